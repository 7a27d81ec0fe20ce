/**
 * A place where the tests kill the kernel: CLEAT_FAULT=before:run.go or after:run.go, with :N for the Nth time.
 * Set only by tests; without it nothing is compared.
 */
export class FaultPoint {
  readonly #moment: string;
  readonly #step: string;
  #countdown: number;

  constructor(setting: string) {
    const [moment = '', step = '', count = '1'] = setting.split(':');
    this.#moment = moment;
    this.#step = step;
    this.#countdown = Number(count);
  }

  reach(moment: 'before' | 'after', step: string): void {
    if (this.#step !== step || this.#moment !== moment) return;
    this.#countdown -= 1;
    if (this.#countdown === 0) process.kill(process.pid, 'SIGKILL');
  }
}
