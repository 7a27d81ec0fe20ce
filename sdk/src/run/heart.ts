import { monotonicMs, untilWhole } from '@cleat/core/deadlines';

/**
 * The heartbeats of a process: at each moment one of its plugins beats, by turns, and the kernel knows by it that all of them live.
 * Each hears so in its turn whether the kernel still knows it; who hears that it does not makes all others ask at once.
 */
export class Heart {
  readonly #members = new Map<object, () => void>();

  /** `ask` makes the member beat at once; the result takes it out again. */
  join(member: object, ask: () => void): () => void {
    this.#members.set(member, ask);
    return () => this.#members.delete(member);
  }

  /** How long until the next beat of this process, in ms: at the same moments as every other process of the host. */
  untilBeat(everyMs: number): number {
    return untilWhole(everyMs);
  }

  /** Whether the beat that is due is this member's. */
  isTurnOf(member: object, everyMs: number, nowMs: number = monotonicMs()): boolean {
    const members = [...this.#members.keys()];
    return members[Math.round(nowMs / everyMs) % members.length] === member;
  }

  askOthers(member: object): void {
    for (const [other, ask] of this.#members) if (other !== member) ask();
  }
}
