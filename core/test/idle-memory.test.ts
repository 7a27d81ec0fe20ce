import { spawnSync } from 'node:child_process';
import t from 'tap';

const MODULE = new URL('../src/memory/index.js', import.meta.url).href;
const MIB = 1024 * 1024;

/** Grows by 60 MiB, lets go of it, is idle, and tells what it holds then. */
const PROGRAM = `
import { getHeapStatistics } from 'node:v8';
import { releaseMemoryWhenIdle } from '${MODULE}';
releaseMemoryWhenIdle();
const started = getHeapStatistics().total_heap_size;
let held = Array.from({ length: 60 }, () => Array.from({ length: 131072 }, (_, index) => index + 0.5));
const grown = getHeapStatistics().total_heap_size;
held = undefined;
const end = Date.now() + 20_000;
const look = setInterval(() => {
  const now = getHeapStatistics().total_heap_size;
  if (now < grown / 2 || Date.now() > end) {
    clearInterval(look);
    console.log(JSON.stringify({ started, grown, now }));
  }
}, 250);
`;

function sizes(flags: readonly string[]): Readonly<Record<'started' | 'grown' | 'now', number>> {
  const { stdout } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', PROGRAM], { encoding: 'utf8' });
  return JSON.parse(stdout) as Readonly<Record<'started' | 'grown' | 'now', number>>;
}

t.test('a process that has become idle gives back what it grew by', (t) => {
  const { started, grown, now } = sizes(['--expose-gc']);
  t.ok(grown > started + 50 * MIB, 'it had grown');
  t.ok(now < grown / 2, 'and is small again');
  t.end();
});
