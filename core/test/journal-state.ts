import { Journal, type JournalRecord } from '../src/journal/index.ts';
import { OTHER_SCHEMA } from './journal-fixture.ts';

/** The state that a journal of numbers adds up to: how many, and their sum. A record out of turn is an error. */
export class NumberState {
  count = 0;
  sum = 0;

  add(number: number): void {
    if (number !== this.count + 1) throw new Error(`record ${number} after ${this.count}`);
    this.count = number;
    this.sum += number;
  }

  /** The content of each item of a snapshot. */
  toString(): string {
    return `${this.count} ${this.sum}`;
  }

  replay(record: JournalRecord): void {
    const [first = 0, second = 0] = record.payload.toString().trim().split(' ').map(Number);
    if (record.schema === OTHER_SCHEMA) {
      this.count = first;
      this.sum = second;
    } else {
      if (first !== record.position) throw new Error(`record ${first} at position ${record.position}`);
      this.add(first);
    }
  }
}

/** The state that a directory holds, after a check that its events are the same records. */
export async function stateOf(dir: string): Promise<NumberState> {
  const state = new NumberState();
  const journal = Journal.open({ dir, replay: (record) => state.replay(record) });
  try {
    let last = journal.firstRetainedPosition - 1;
    for await (const record of journal.read(journal.firstRetainedPosition)) {
      if (Number(record.payload.toString().trim()) !== last + 1) throw new Error(`event ${record.position} after ${last}`);
      last += 1;
    }
    if (last !== state.count) throw new Error(`events end at ${last}, the state at ${state.count}`);
  } finally {
    await journal.close();
  }
  return state;
}
