import { readFileSync } from 'node:fs';
import { IMAGE } from './image.mjs';
import { median, sleep } from './statistics.mjs';

const WARM = 5;
const MEASURED = 20;

/** What the time before a record went to, where its name does not say it. */
const MEANING = {
  'create.intent': 'docker starts, asks for version and image, sends the request',
  'reserve.intent': 'directories',
  'reserve.done': 'plugins reserve, after a sync of the journal',
  created: 'the rest of them',
  'start.intent': 'sync, answer; the client attaches, waits, asks for the start',
  'namespaces.intent': '',
  'namespaces.done': 'network namespace made and pinned',
  'attach.intent': '',
  'attach.done': 'plugins attach',
  'root.intent': '',
  'root.done': 'root file system mounted',
  'monitor.intent': "files for the container, runtime's configuration",
  'monitor.done': 'conmon and runc create',
  go: 'streams take the output',
  started: 'the process is let run',
  exit: 'it runs, ends, conmon says so',
  'detach.intent': 'cgroups and state of the runtime removed',
  'detach.done': 'plugins detach',
  exited: 'root unmounted, the use closed',
  'remove.intent': 'sync, the client hears of the exit',
  'release.intent': '',
  'release.done': 'plugins release, after a sync',
  removed: 'directories removed',
};

/**
 * Where the time of a docker run goes: the kernel notes each step in its journal before it does it, and says so in its log at
 * the level debug, with the same clock as this process. Gives the rows of a table.
 */
export async function stepsOf(engine) {
  const args = ['run', '--rm', IMAGE, 'true'];
  for (let time = 0; time < WARM; time++) engine.docker(args);
  const runs = [];
  for (let time = 0; time < MEASURED; time++) {
    const before = readFileSync(engine.logPath).length;
    const begunMs = clockMs();
    engine.docker(args);
    const endedMs = clockMs();
    await sleep(150);
    runs.push(stepTimes(recordsAfter(engine.logPath, before), begunMs, endedMs));
  }
  const names = [...new Set(runs.flatMap((steps) => [...steps.keys()]))];
  return names.map((name) => ({ name, ms: median(runs.map((steps) => steps.get(name) ?? 0)), meaning: MEANING[name] ?? '' }));
}

function clockMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

function recordsAfter(path, offset) {
  const lines = readFileSync(path).subarray(offset).toString('utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ message }) => message === 'record');
}

/** Milliseconds before each record since the one before it; records of one name follow each other and count together. */
function stepTimes(records, begunMs, endedMs) {
  const steps = new Map();
  let last = begunMs;
  let isOver = false;
  for (const { step, atMs } of records) {
    if (!isOver && atMs > endedMs) {
      steps.set('(docker ends)', endedMs - last);
      last = endedMs;
      isOver = true;
    }
    const name = isOver ? `${step} (afterwards)` : step;
    steps.set(name, (steps.get(name) ?? 0) + atMs - last);
    last = atMs;
  }
  if (!isOver) steps.set('(docker ends)', endedMs - last);
  return steps;
}
