import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { temporaryDirectory } from './journal-fixture.ts';
import { stateOf } from './journal-state.ts';

const OWNER = fileURLToPath(new URL('journal-owner.js', import.meta.url));

interface Run {
  readonly written: number;
  readonly acknowledged: number;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Runs an owner until it ends, or kills it when it has acknowledged so many records more. */
function run(args: readonly string[], killAfter = Number.POSITIVE_INFINITY): Promise<Run> {
  const child = spawn(process.execPath, [OWNER, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let written = 0;
  let acknowledged = 0;
  let acknowledgements = 0;
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [verb, number] = line.split(' ');
    if (verb === 'w') written = Math.max(written, Number(number));
    else if (verb === 'a') {
      acknowledged = Math.max(acknowledged, Number(number));
      acknowledgements += 1;
      if (acknowledgements >= killAfter) child.kill('SIGKILL');
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    // After `close` everything that the process had said has been read.
    child.on('close', (_code, signal) => resolve({ written, acknowledged, signal, stderr }));
  });
}

// Nearly forty processes are started one after another, on a busy machine a second each.
t.setTimeout(300_000);

const sumTo = (count: number): number => (count * (count + 1)) / 2;

t.test('twenty kills of a busy owner, rotations among them, lose nothing that was written', async (t) => {
  const dir = temporaryDirectory(t);
  let total = 0;
  for (let round = 0; round < 20; round++) {
    const { written, signal, stderr } = await run([dir, 'run'], 40 + round * 17);
    t.equal(signal, 'SIGKILL', stderr);
    const state = await stateOf(dir);
    t.ok(state.count >= written && state.count <= written + 3, `round ${round}: ${state.count} of ${written} written`);
    t.equal(state.sum, sumTo(state.count));
    t.ok(state.count > total);
    total = state.count;
  }
  t.ok(total > 1000, `${total} records, several rotations`);
});

for (const position of [1, 2, 5]) {
  t.test(`a kill before record ${position} is written leaves the ones before, after it also that one`, async (t) => {
    for (const point of ['before-write', 'after-write'] as const) {
      const dir = temporaryDirectory(t);
      const { signal } = await run([dir, 'die-at-record', `${point}:${position}`]);
      t.equal(signal, 'SIGKILL');
      t.equal((await stateOf(dir)).count, point === 'before-write' ? position - 1 : position);
    }
  });
}

for (const step of ['in-snapshot', 'snapshot-written', 'caught-up', 'synced', 'renamed', 'durable']) {
  t.test(`a kill in a rotation at the step ${step} loses nothing`, async (t) => {
    const dir = temporaryDirectory(t);
    const mode = step === 'in-snapshot' ? ['die-in-snapshot'] : ['die-at-step', step];
    const { written, acknowledged, signal } = await run([dir, ...mode]);
    t.equal(signal, 'SIGKILL');
    t.ok(acknowledged >= 30, `${acknowledged} records were acknowledged`);
    const state = await stateOf(dir);
    t.ok(state.count >= written, `${state.count} of ${written} written`);
    t.equal(state.sum, sumTo(state.count));
    const again = await run([dir, 'run'], 10);
    t.ok((await stateOf(dir)).count >= again.written, 'and the journal goes on');
  });
}
