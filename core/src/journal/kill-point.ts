import { readFileSync, rmSync } from 'node:fs';

/**
 * A place where the tests kill: before:go or after:go is a record's name, with :N for the Nth time and :PID for another process
 * than this one. @FILE looks for such a setting in a file at every record, so that it can be given while the process runs;
 * the file is taken away when it has struck. Set only by tests; without it nothing is compared.
 */
export class KillPoint {
  readonly #setting: string;
  #armed = '';
  #countdown = 0;

  constructor(setting: string) {
    this.#setting = setting;
  }

  reach(moment: 'before' | 'after', step: string): void {
    const text = this.#setting.startsWith('@') ? readSetting(this.#setting.slice(1)) : this.#setting;
    const [wantedMoment, wantedStep, count, pid] = text.split(':');
    if (wantedStep !== step || wantedMoment !== moment) return;
    if (text !== this.#armed) this.#countdown = Number(count ?? 1);
    this.#armed = text;
    this.#countdown -= 1;
    if (this.#countdown !== 0) return;
    if (this.#setting.startsWith('@')) rmSync(this.#setting.slice(1));
    process.kill(pid === undefined ? process.pid : Number(pid), 'SIGKILL');
  }
}

function readSetting(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Nothing is armed.
    return '';
  }
}
