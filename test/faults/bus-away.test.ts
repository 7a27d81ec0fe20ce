import { chmodSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine } from '@cleat/core/syscalls';
import { needs, slowFactor, tempDir, waitFor } from '@cleat/harness';
import t, { type Test } from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { failure, processesIn, slowed, timed } from '../joints/joint.ts';
import { OutsideConsumer } from '../joints/outside-consumer.ts';
import { BareKernel } from '../platform/bare-kernel.ts';
import { checkEvents } from '../platform/event-check.ts';
import { checkTruth } from './kernel-matrix.ts';

t.setTimeout(110_000 * slowFactor());

const KEEPER = { ...FAKE, name: 'keeper', provides: [{ kind: 'keeper', reserve: true, attach: false }] };
const LOG = fakeClaim('l', { reserved: { log: { segmentBytes: 1_048_576, spoolBytes: 0, mode: 'blocking' } } }, 'keeper');
const TALKER = ['sh', '-c', 'while :; do echo said; sleep 0.2; done'];
/** Runs by policy while the bus is away: 100 ms after an end, then 200. */
const RUNS = 2;

/** A server of the bus that cannot start while a file is there. */
class BrokenServer {
  readonly path: string;
  readonly #mark: string;

  constructor(dir: string) {
    this.path = join(dir, 'nats-server');
    this.#mark = join(dir, 'broken');
    writeFileSync(this.path, `#!/bin/sh\n[ -e ${this.#mark} ] && { echo 'no room for it' >&2; exit 1; }\nexec nats-server "$@"\n`);
    chmodSync(this.path, 0o755);
  }

  breaks(pid: number): void {
    writeFileSync(this.#mark, '');
    process.kill(pid, 'SIGKILL');
  }

  heals(): void {
    rmSync(this.#mark, { force: true });
  }
}

interface Scene {
  readonly kernel: BareKernel;
  readonly server: BrokenServer;
  readonly consumer: OutsideConsumer;
}

t.test('a bus that cannot start for a while', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return;
  const dir = tempDir(t, 'away');
  const server = new BrokenServer(dir);
  const kernel = new BareKernel(dir, { nats: { server: server.path } });
  t.teardown(() => kernel.down());
  await kernel.start();
  await Fake.install(kernel, KEEPER);
  const consumer = await OutsideConsumer.add(kernel, 'outside');
  await consumer.start();
  t.teardown(() => consumer.stop());
  await kernel.client.run('talker', TALKER, { claims: [LOG] });
  await kernel.client.run('phoenix', ['sleep', '1000'], { spec: { restart: { name: 'always' } } });
  const scene = { kernel, server, consumer };
  await t.test('under a kernel that runs', (t) => away(t, scene, async () => undefined));
  await t.test('when the kernel starts', (t) =>
    away(t, scene, async () => {
      await kernel.kill();
      kernel.begin();
    }),
  );
  checkEvents(t, await kernel.client.events());
});

async function away(t: Test, { kernel, server, consumer }: Scene, meanwhile: () => Promise<void>): Promise<void> {
  const node = kernel.client;
  const talker = await node.inspect('talker');
  const phoenix = await node.inspect('phoenix');
  const log = join(kernel.stateDir, 'containers', talker.id, 'logs', 'current.log');
  server.breaks(kernel.busPid);
  try {
    const late = await timed(failure(node.call('container', 'list', {}, { timeoutMs: 2_000 })));
    t.equal(late.value.class, 'unavailable', 'who asks is told that the bus is away');
    t.ok(late.ms < slowed(3_000), `it took ${Math.round(late.ms)} ms`);
    await meanwhile();
    // Nobody can be asked now: its cgroup is.
    for (let run = 1; run <= RUNS; run += 1) {
      const pid = await sleeperIn(phoenix.paths.cgroup, 0);
      process.kill(pid, 'SIGKILL');
      await sleeperIn(phoenix.paths.cgroup, pid);
    }
    const size = statSync(log).size;
    await waitFor('more output', () => statSync(log).size > size);
    t.ok(existsSync(`/proc/${talker.state.pid}`), 'the other one runs on');
    t.notOk(kernel.hasEnded, 'the kernel stays up');
  } finally {
    server.heals();
  }
  await waitFor('the bus', async () => (await node.list()).length === 2, { timeoutMs: 60_000 });
  await node.waitForPlugin('keeper', 'ready', 30_000);
  await node.until('its last run', async () => (await node.inspect('phoenix')).state.run === phoenix.state.run + RUNS);
  await node.waitForStatus('phoenix', 'running');
  t.equal((await node.inspect('talker')).state.pid, talker.state.pid);
  await checkTruth(t, kernel);
  const { newestEvent } = await node.info();
  await consumer.waitFor(newestEvent, 30_000);
  t.ok(consumer.hasGaplessOrder, 'every event came, in order');
  t.same(consumer.gaps, []);
  const ends = (await node.events()).filter(({ type, subject }) => type === 'container.exited' && subject === phoenix.id);
  t.equal(ends.length, phoenix.state.run - 1 + RUNS, 'each end was recorded');
}

/** The container's process, once it is what it is to be: before, the runtime is at work in the cgroup. */
async function sleeperIn(cgroup: string, before: number): Promise<number> {
  const isSleeper = (pid: number): boolean => pid !== before && commandLine(pid)?.[0] === 'sleep';
  return waitFor('the run', () => processesIn(cgroup).find(isSleeper), { timeoutMs: 20_000 });
}
