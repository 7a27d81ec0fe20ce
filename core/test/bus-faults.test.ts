import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { type BusCaller, encodeCredentials, type PrivateBus } from '../src/bus/index.ts';
import { Deadline, monotonicMs, sleep } from '../src/deadlines/index.ts';
import { echo, failure, granted, joinBus, soon, startBus, temporaryDirectory, waitFor } from './bus-fixture.ts';

const WORKER = fileURLToPath(new URL('bus-worker.js', import.meta.url));

interface Stage {
  readonly bus: PrivateBus;
  readonly effects: string;
  startWorker(name: string, forward?: string): Promise<ChildProcess>;
}

async function startStage(t: Test): Promise<Stage> {
  const dir = temporaryDirectory(t);
  const urlFile = join(dir, 'url');
  const effects = join(dir, 'effects');
  const bus = await startBus(t, { urlFile });
  const startWorker = async (name: string, forward?: string): Promise<ChildProcess> => {
    await bus.add(name, soon());
    const file = join(dir, `${name}.credentials`);
    writeFileSync(file, encodeCredentials(bus.credentials(name)), { mode: 0o600 });
    const args = [WORKER, file, urlFile, name, effects, ...(forward === undefined ? [] : [forward])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    await once(child.stdout, 'data');
    return child;
  };
  return { bus, effects, startWorker };
}

function effectsOf(stage: Stage): string[] {
  return existsSync(stage.effects) ? readFileSync(stage.effects, 'utf8').trim().split('\n') : [];
}

/** Calls without a pause, several at a time, until told to stop; every failure is kept. */
class Load {
  readonly done: string[] = [];
  readonly failures: string[] = [];
  slowestMs = 0;
  #isStopped = false;
  readonly #lanes: Promise<void>[] = [];

  begin(caller: BusCaller, address: string, label: string, lanes: number): void {
    for (let lane = 0; lane < lanes; lane++) this.#lanes.push(this.#run(caller, address, `${label}-${lane}`));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#lanes);
  }

  async #run(caller: BusCaller, address: string, label: string): Promise<void> {
    for (let count = 0; !this.#isStopped; count++) {
      const operationId = `${label}-${count}`;
      const began = monotonicMs();
      try {
        const { body } = await caller.call(address, 'do', Buffer.from('60'), { deadline: soon(15_000), operationId });
        if (body.toString() !== operationId) throw new Error(`${body.toString()} answered ${operationId}`);
        this.done.push(operationId);
      } catch (error) {
        this.failures.push(`${operationId}: ${String(error)}`);
      }
      this.slowestMs = Math.max(this.slowestMs, monotonicMs() - began);
    }
  }
}

t.test('thirty participants come and go, and no call in flight is lost', async (t) => {
  const stage = await startStage(t);
  const { bus } = stage;
  await stage.startWorker('volume');
  const load = new Load();
  for (const name of ['kernel', 'gateway']) {
    const { caller } = await joinBus(t, bus, name);
    await bus.grant(name, granted([{ provider: 'volume', address: 'volume' }]), soon());
    load.begin(caller, 'volume', name, 8);
  }
  for (let number = 0; number < 30; number++) {
    const guest = await joinBus(t, bus, `guest${number}`);
    await bus.grant(guest.name, granted([{ provider: 'volume', address: 'volume' }], { durable: true }), soon());
    const calls = [
      { provider: 'volume', address: 'volume' },
      { provider: guest.name, address: 'guest' },
    ];
    await bus.grant('gateway', granted(calls), soon());
    await guest.caller.call('volume', 'do', Buffer.from('1'), { deadline: soon() });
    await guest.exporting.close(Deadline.after(0));
    await guest.importing.close(Deadline.after(0));
    await bus.remove(guest.name, soon());
  }
  await load.stop();
  t.same(load.failures, []);
  t.ok(load.done.length > 100, `${load.done.length} calls`);
  t.ok(load.slowestMs < 1_000, `the slowest took ${load.slowestMs.toFixed(0)} ms`);
  t.same(bus.participants, ['kernel', 'volume', 'gateway']);
});

t.test('accounts re-issued forty times and the server killed six: nothing lost, nothing done twice', async (t) => {
  const stage = await startStage(t);
  const { bus } = stage;
  await stage.startWorker('driver');
  await stage.startWorker('volume', 'driver');
  const load = new Load();
  const callers = ['kernel', 'gateway', 'cli'];
  const toDriver = granted([{ provider: 'driver', address: 'driver' }]);
  await bus.grant('volume', toDriver, soon());
  for (const name of callers) {
    const { caller } = await joinBus(t, bus, name);
    await bus.grant(name, granted([{ provider: 'volume', address: 'volume' }]), soon());
    load.begin(caller, 'volume', name, 4);
  }
  let kills = 0;
  for (let round = 0; round < 40; round++) {
    const extra = round % 2 === 0 ? [{ provider: 'driver', address: 'driver', ops: ['list'] }] : [];
    for (const name of callers) {
      await bus.grant(name, granted([{ provider: 'volume', address: 'volume' }, ...extra]), soon());
    }
    await bus.grant('volume', round % 2 === 0 ? { ...toDriver, durable: true } : toDriver, soon());
    if (round % 7 === 3) {
      const before = bus.serverPid;
      if (before !== undefined) process.kill(before, 'SIGKILL');
      kills += 1;
      await waitFor('another server', () => bus.serverPid !== undefined && bus.serverPid !== before && bus.isUp);
    }
    await sleep(100);
  }
  await load.stop();
  const effects = effectsOf(stage);
  t.equal(kills, 6);
  t.same(load.failures, []);
  t.equal(new Set(effects).size, effects.length, 'no operation was done twice');
  const done = new Set(effects);
  t.same(
    load.done.filter((id) => !done.has(id)),
    [],
    'every answer stands for an effect',
  );
  t.ok(load.done.length > 100, `${load.done.length} calls, the slowest ${load.slowestMs.toFixed(0)} ms`);
});

t.test('a server that stands still costs each call one error in time, and all goes on after it', async (t) => {
  const { bus } = await startStage(t);
  const provider = await joinBus(t, bus, 'volume');
  const { caller } = await joinBus(t, bus, 'kernel');
  await bus.grant('kernel', granted([{ provider: 'volume', address: 'volume' }]), soon());
  provider.callee.serve('volume', echo);
  await provider.callee.ready(soon());
  const pid = bus.serverPid ?? 0;
  process.kill(pid, 'SIGSTOP');
  const began = monotonicMs();
  const patient = caller.call('volume', 'wait', Buffer.from('patient'), { deadline: soon(20_000) });
  const error = await failure(caller.call('volume', 'do', Buffer.alloc(0), { deadline: soon(1_500) }));
  t.match(error.code, /^BUS_(CALL_TIMEOUT|DOWN)$/);
  t.ok(monotonicMs() - began < 1_800, 'in time');
  const change = await failure(bus.grant('kernel', granted([{ provider: 'volume', address: 'other' }]), soon(500)));
  t.match(change.class, /^(deadline_exceeded|unavailable)$/);
  process.kill(pid, 'SIGCONT');
  t.equal((await patient).body.toString(), 'patient');
  await bus.ready(soon());
  // What it could not be told then it has been told since.
  provider.callee.serve('other', echo);
  await provider.callee.ready(soon());
  t.equal((await caller.call('other', 'do', Buffer.from('x'), { deadline: soon() })).body.toString(), 'x');
});

t.test('a call made while the server is away waits for it, and fails soon when it stays away', async (t) => {
  const { bus } = await startStage(t);
  const provider = await joinBus(t, bus, 'volume');
  const { caller, importing } = await joinBus(t, bus, 'kernel');
  await bus.grant('kernel', granted([{ provider: 'volume', address: 'volume' }]), soon());
  provider.callee.serve('volume', echo);
  await provider.callee.ready(soon());
  process.kill(bus.serverPid ?? 0, 'SIGKILL');
  await waitFor('the loss', () => !importing.isConnected);
  t.throws(() => importing.publish('rpc.x', Buffer.alloc(0)), { code: 'BUS_DOWN' });
  t.equal((await caller.call('volume', 'do', Buffer.from('y'), { deadline: soon() })).body.toString(), 'y');
  await bus.stop();
  await waitFor('the loss', () => !importing.isConnected);
  const began = monotonicMs();
  const error = await failure(caller.call('volume', 'do', Buffer.alloc(0), { deadline: soon(30_000) }));
  t.match(error, { class: 'unavailable', code: 'BUS_DOWN' });
  t.ok(monotonicMs() - began < 3_000, 'it was not waited for longer than needed');
});
