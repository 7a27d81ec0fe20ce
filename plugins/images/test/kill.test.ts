import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { slowFactor, tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import { inconsistencies } from './consistency.ts';
import { openTestStore, tar, writeFiles } from './open-test-store.ts';

const SCENARIO = fileURLToPath(new URL('./killed-scenario.js', import.meta.url));
const WORKER = fileURLToPath(new URL('../src/layer/worker.js', import.meta.url));

/** One a core. */
const LANES = 2;
const TIMEOUT_MS = 500_000;

interface Ended {
  readonly signal: string | null;
  readonly changes: number;
}

async function runScenario(directory: string, archive: string, killAt: number): Promise<Ended> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [SCENARIO, directory, archive, String(killAt)], { timeout: 60_000 });
    return { signal: null, changes: Number(stdout) };
  } catch (error) {
    if (error instanceof Error && 'signal' in error && error.signal === 'SIGKILL') return { signal: 'SIGKILL', changes: killAt };
    throw error;
  }
}

t.test('killed before any change of the file system, a store is whole afterwards and nothing is left over', async (t) => {
  t.setTimeout(TIMEOUT_MS * slowFactor());
  const dir = tempDir(t);
  const archive = tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'tree'), { a: 'a', 'b/c': 'c' }));
  /** Kills before every LANES-th change, until a round comes to its end; how many kills there were. */
  const lane = async (first: number): Promise<number> => {
    for (let killAt = first; ; killAt += LANES) {
      const directory = join(dir, `store${killAt}`);
      const { signal, changes } = await runScenario(directory, archive, killAt);
      const store = await openTestStore(t, { directory });
      const wrong = await inconsistencies(store);
      if (wrong.length > 0) t.fail(`killed before change ${killAt}: ${wrong.join('; ')}`);
      if (signal === null) {
        t.ok(changes < killAt, `${changes} changes`);
        t.equal(store.images.index.images.size, 0);
        return killAt - first;
      }
      await rm(directory, { recursive: true });
    }
  };
  const kills = await Promise.all(Array.from({ length: LANES }, (_, i) => lane(i + 1)));
  t.ok(Math.max(...kills) > 60, `${kills.join(' and ')}`);
});

t.test('a process that unpacks ends when the one that started it is gone', async (t) => {
  const dir = tempDir(t);
  const fifo = join(dir, 'never-ending');
  await promisify(execFile)('mkfifo', [fifo]);
  const worker = spawn(process.execPath, [WORKER], { stdio: ['pipe', 'ignore', 'inherit'] });
  t.teardown(() => worker.kill('SIGKILL'));
  const ended = once(worker, 'exit');
  worker.stdin.write(`${JSON.stringify({ kind: 'unpack', blobPath: fifo, target: join(dir, 'diff'), form: 'overlay', below: [] })}\n`);
  await waitFor('the worker to begin', () => readdirSync(dir).includes('diff'));
  // The kernel closes the pipe of a process that dies.
  worker.stdin.destroy();
  await ended;
  t.pass();
});
