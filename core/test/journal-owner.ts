// A program for crash tests: the owner of a journal of numbers.
// Arguments: DIR MODE [WHERE]. Prints `w N` when record N is written and `a N` when it is acknowledged, each at once.
import { writeSync } from 'node:fs';
import { Journal, type JournalOptions, type SnapshotItem } from '../src/journal/index.ts';
import { OTHER_SCHEMA, SCHEMA } from './journal-fixture.ts';
import { NumberState } from './journal-state.ts';

const [dir = '', mode = '', where = ''] = process.argv.slice(2);

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Says a line before it returns, also when the reader is slow and the pipe, which does not block, is full. */
function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Many items, so that writing them takes several steps. */
function* snapshot(text: string): Generator<SnapshotItem> {
  for (let n = 0; n < 400; n++) {
    if (mode === 'die-in-snapshot' && n === 350) die();
    yield { schema: OTHER_SCHEMA, payload: Buffer.from(text.padEnd(1000)) };
  }
}

const faults: Partial<JournalOptions> = {
  ...(mode === 'die-at-record' && {
    onFault: (point, position) => {
      if (where === `${point}:${position}`) die();
    },
  }),
  ...(mode === 'die-at-step' && {
    onRotationStep: (step) => {
      if (where === step) die();
    },
  }),
};

const state = new NumberState();
const journal = Journal.open({ dir, segmentRecords: 300, retainBytes: 4_000_000, replay: (record) => state.replay(record), ...faults });

async function writeOn(): Promise<void> {
  const number = state.count + 1;
  journal.write(SCHEMA, Buffer.from(`${number}`.padEnd(500)));
  state.add(number);
  say(`w ${number}`);
  await journal.sync();
  say(`a ${number}`);
}

async function writers(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await Promise.all([writeOn(), writeOn(), writeOn()]);
    if (mode === 'run' && journal.needsRotation) void journal.rotate(snapshot(String(state)));
  }
}

if (mode === 'die-at-step' || mode === 'die-in-snapshot') {
  await writers(10);
  await Promise.all([journal.rotate(snapshot(String(state))), writers(100_000)]);
}
await writers(mode === 'die-at-record' ? 3 : 100_000);
