import { IMAGE } from '../lib/image.mjs';
import { memoryOf } from '../lib/process-tree.mjs';
import { inParallel, median, now, quantile, realTimeOffset, sleep, until } from '../lib/statistics.mjs';

const CLIENTS = 8;
const SUBSCRIBERS = 10;

async function startMany(engine, count, width = CLIENTS) {
  const ids = [];
  await inParallel(count, width, async (index) => {
    ids[index] = await engine.client.create({ image: IMAGE, cmd: ['sleep', '100000'] });
    await engine.client.start(ids[index]);
  });
  return ids;
}

const removeMany = (engine, ids, width = CLIENTS) => inParallel(ids.length, width, (index) => engine.client.remove(ids[index]));

const parallel = {
  name: 'parallel',
  rounds: [4, 1],
  cpu: 'parallel_cpu',
  metrics: {
    parallel: { unit: '/s', isRate: true, what: 'containers created and started by 8 clients at once, 50 of them', goal: 2.5 },
    parallel_remove: { unit: '/s', isRate: true, what: 'the same 50 removed by force' },
    parallel_cpu: { unit: 'ms', what: 'CPU time of the engine for one of them, start to removal' },
  },
  async sample(engine, _round, isQuick) {
    const count = isQuick ? 24 : 50;
    const begun = now();
    const ids = await startMany(engine, count);
    const startedMs = now() - begun;
    const running = (await engine.client.list({})).length;
    if (running < count) throw new Error(`${running} of ${count} run`);
    const between = now();
    await removeMany(engine, ids);
    return { parallel: (1000 * count) / startedMs, parallel_remove: (1000 * count) / (now() - between), operations: count };
  },
};

export const memory = {
  name: 'memory',
  rounds: [1, 1],
  metrics: {
    memory_rest: { unit: 'MiB', what: 'of all processes, no container', limit: 130 },
    memory_after: { unit: 'MiB', what: 'the same after 1,000 containers have come and gone (Cleat alone)', limit: 130 },
    memory_50: { unit: 'MiB', what: 'with 50 idle containers', goal: 0.65 },
    memory_200: { unit: 'MiB', what: 'with 200 idle containers', goal: 0.37 },
    memory_each: { unit: 'MiB', what: 'one of 200 idle containers', limit: 0.6 },
    cpu_idle: { unit: '% of a core', what: 'with 50 idle containers', limit: 0.15 },
  },
  async sample(engine, _round, isQuick) {
    const [first, all, come, restS] = isQuick ? [10, 40, 60, 5] : [50, 200, 1000, 30];
    // At rest is when nothing was asked for a while: memory that is free is given back then, by either engine.
    await sleep(restS * 700);
    const rest = memoryOf(engine.account.pids);
    const ids = await startMany(engine, first, 4);
    await sleep(restS * 300);
    const [before, begun] = [engine.account.usedMs, now()];
    await sleep(restS * 1000);
    const idle = (100 * (engine.account.usedMs - before)) / (now() - begun);
    const some = memoryOf(engine.account.pids);
    ids.push(...(await startMany(engine, all - first, 4)));
    await sleep(restS * 700);
    const full = memoryOf(engine.account.pids);
    engine.notes.push(`memory at rest: ${parts(rest)}`, `with ${all} containers: ${parts(full)}`);
    await removeMany(engine, ids, 4);
    return {
      ...(engine.name === 'dockerd' ? {} : { memory_after: await comeAndGo(engine, come) }),
      ...{ memory_rest: rest.mib, memory_50: some.mib, memory_200: full.mib, memory_each: (full.mib - rest.mib) / all, cpu_idle: idle },
    };
  },
};

async function comeAndGo(engine, count) {
  await inParallel(count, CLIENTS, async () => {
    const id = await engine.client.create({ image: IMAGE, cmd: ['true'] });
    await engine.client.start(id);
    await engine.client.remove(id);
  });
  await sleep(20_000);
  const after = memoryOf(engine.account.pids);
  engine.notes.push(`memory after ${count} containers: ${parts(after)}`);
  return after.mib;
}

function parts({ byName }) {
  return Object.entries(byName)
    .map(([name, { processes, mib }]) => `${processes} ${name} ${mib.toFixed(1)}`)
    .join(', ');
}

const listing = {
  name: 'list',
  rounds: [2, 1],
  metrics: {
    list_p50: { unit: 'ms', what: 'GET /containers/json?all=1 with 500 containers', goal: 0.5 },
    list_p99: { unit: 'ms', what: 'the same, the slowest of a hundred', goal: 0.5 },
    inspect_p50: { unit: 'ms', what: 'GET /containers/ID/json among 500' },
    create: { unit: '/s', isRate: true, what: 'those 500 created by 8 clients' },
  },
  async sample(engine, _round, isQuick) {
    const count = isQuick ? 100 : 500;
    const ids = [];
    const begun = now();
    await inParallel(count, CLIENTS, async (index) => {
      ids[index] = await engine.client.create({ image: IMAGE, cmd: ['true'] });
    });
    const createdMs = now() - begun;
    const lists = [];
    const inspections = [];
    for (let time = 0; time < 100; time++) {
      const at = now();
      const found = await engine.client.list();
      lists.push(now() - at);
      if (found.length < count) throw new Error(`${found.length} of ${count} listed`);
    }
    for (let time = 0; time < 100; time++) {
      const at = now();
      await engine.client.inspect(ids[(time * 7) % count]);
      inspections.push(now() - at);
    }
    await removeMany(engine, ids);
    return {
      list_p50: median(lists),
      list_p99: quantile(lists, 0.99),
      inspect_p50: median(inspections),
      create: (1000 * count) / createdMs,
    };
  },
};

const events = {
  name: 'events',
  rounds: [4, 1],
  metrics: {
    events_p50: { unit: 'ms', what: 'from the time in an event to its arrival at the last of 10 subscribers', limit: 2 },
    events_p99: { unit: 'ms', what: 'the same, the slowest of a hundred', limit: 10 },
  },
  async sample(engine) {
    const count = 50;
    const offset = realTimeOffset();
    const seen = new Map();
    const onEvent = ({ Action, Actor, timeNano }, at) => {
      if (Action !== 'create') return;
      const known = seen.get(Actor.ID) ?? { times: 0, madeAt: timeNano / 1e6 };
      seen.set(Actor.ID, { ...known, times: known.times + 1, last: at + offset });
    };
    const closers = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => engine.client.events(onEvent)));
    await sleep(200);
    const ids = [];
    for (let index = 0; index < count; index++) {
      ids.push(await engine.client.create({ image: IMAGE, cmd: ['true'] }));
      await sleep(10);
    }
    await until('every event at every subscriber', 5_000, () => ids.every((id) => seen.get(id)?.times === SUBSCRIBERS));
    for (const close of closers) close();
    await removeMany(engine, ids);
    const delays = ids.map((id) => seen.get(id).last - seen.get(id).madeAt);
    return { events_p50: median(delays), events_p99: quantile(delays, 0.99) };
  },
};

const restart = {
  name: 'restart',
  rounds: [3, 1],
  metrics: {
    restart_api: { unit: 'ms', what: 'from kill -9 of the daemon with 100 containers to the first list of them', limit: 1000 },
    restart_true: { unit: 'ms', what: 'until that list is true: ten of the containers have ended meanwhile', limit: 2000 },
    restart_alive: { unit: '%', isRate: true, what: 'of the others run on as the same process' },
  },
  async sample(engine, _round, isQuick) {
    const [count, ended] = isQuick ? [20, 4] : [100, 10];
    const ids = await startMany(engine, count, 4);
    const pids = await Promise.all(ids.map(async (id) => (await engine.client.inspect(id)).State.Pid));
    const daemon = engine.kernelPid;
    const begun = now();
    process.kill(daemon, 'SIGKILL');
    for (const pid of pids.slice(0, ended)) process.kill(pid, 'SIGKILL');
    await until('the daemon is gone', 5_000, () => !isThere(daemon));
    engine.restart();
    engine.client.forgetConnections();
    const list = () => engine.client.request('GET', '/containers/json', { query: { all: 1 }, limitMs: 30_000 }).catch(() => undefined);
    const first = await until('the API answers', 60_000, list);
    const api = now() - begun;
    const isTrue = (found) =>
      ids.every((id, index) => found?.find(({ Id }) => Id === id)?.State === (index < ended ? 'exited' : 'running'));
    if (!isTrue(first)) await until('the list is true', 60_000, async () => isTrue(await list()));
    const whole = now() - begun;
    const alive = pids.slice(ended).filter(isThere).length;
    await removeMany(engine, ids, 4);
    return { restart_api: api, restart_true: whole, restart_alive: (100 * alive) / (count - ended) };
  },
};

function isThere(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export const manyBenches = [parallel, events, listing, memory, restart];
