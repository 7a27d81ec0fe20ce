/** Where the events lie in the journal: one mark for every 64, so that a reader begins near the one it wants. */
export interface EventMark {
  readonly sequence: number;
  readonly position: number;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

const MARK_EVERY = 64;

export class EventIndex {
  #marks: EventMark[];
  #newest: number;

  constructor(marks: readonly EventMark[] = [], newest = 0) {
    this.#marks = [...marks];
    this.#newest = newest;
  }

  get newest(): number {
    return this.#newest;
  }

  /** Marks that a reader can still use. */
  marks(firstPosition: number): readonly EventMark[] {
    const first = this.#marks.findIndex((mark) => mark.position >= firstPosition);
    this.#marks = first <= 0 ? (first === 0 ? this.#marks : []) : this.#marks.slice(first);
    return this.#marks;
  }

  /** The oldest event that can still be read for sure. */
  oldest(firstPosition: number): number {
    return this.marks(firstPosition)[0]?.sequence ?? this.#newest + 1;
  }

  note(sequence: number, position: number, timeMs: number): void {
    this.#newest = Math.max(this.#newest, sequence);
    if (sequence % MARK_EVERY === 1 || this.#marks.length === 0) this.#marks.push({ sequence, position, timeMs });
  }

  /** Position from which to read for events after a sequence. */
  positionAfter(sequence: number, firstPosition: number): number {
    let position = firstPosition;
    for (const mark of this.#marks) {
      if (mark.sequence > sequence + 1) break;
      position = Math.max(position, mark.position);
    }
    return position;
  }

  /** Sequence after which all events of a time and later lie. */
  sequenceBefore(timeMs: number): number {
    let sequence = 0;
    for (const mark of this.#marks) {
      if (mark.timeMs >= timeMs) break;
      sequence = mark.sequence - 1;
    }
    return sequence;
  }
}
