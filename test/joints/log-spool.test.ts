import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { slowFactor } from '@cleat/harness';
import type { logdata } from '@cleat/schemas';
import t from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import type { BareKernel } from '../platform/bare-kernel.ts';
import { startedKernel } from './joint.ts';

t.setTimeout(60_000 * slowFactor());

/** What a file takes on a disk at least. */
const BLOCK = 4_096;
const SAY_AND_FAIL = ['sh', '-c', 'echo said; exit 3'];

/** As the kind log is: reserved, and never attached. */
const KEEPER = { ...FAKE, name: 'keeper', provides: [{ kind: 'keeper', reserve: true, attach: false }] };

function logClaim(mode: string, spoolBytes: number): object {
  return fakeClaim('l', { reserved: { log: { segmentBytes: BLOCK, spoolBytes, mode } } }, 'keeper');
}

async function segmentsOf(kernel: BareKernel, container: string): Promise<logdata.SegmentsResponse> {
  return kernel.call<logdata.SegmentsResponse>('logdata', 'segments', { container });
}

async function runs(kernel: BareKernel, name: string, count: number): Promise<void> {
  for (let run = 0; run < count; run += 1) {
    await kernel.client.call('container', 'start', { container: name });
    await kernel.client.waitForStatus(name, 'exited');
  }
}

t.test('the output of many short runs that nobody reads is bounded', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  await Fake.install(kernel, KEEPER);

  await t.test('the oldest goes and is counted; a segment tells its own run', async (t) => {
    await node.create('loser', SAY_AND_FAIL, { claims: [logClaim('non-blocking', 5 * BLOCK)] });
    await runs(kernel, 'loser', 12);
    // What is too much goes right after the exit is told.
    await node.until('the bound', async () => (await segmentsOf(kernel, 'loser')).segments.length <= 5);
    const { segments, dropped } = await segmentsOf(kernel, 'loser');
    t.same(
      segments.map(({ run }) => run),
      [8, 9, 10, 11, 12],
    );
    t.equal(dropped, 7, 'a line of each run that is gone');
  });

  await t.test('a run that says nothing leaves no file', async (t) => {
    const id = await node.create('silent', ['false'], { claims: [logClaim('non-blocking', 5 * BLOCK)] });
    await runs(kernel, 'silent', 4);
    t.same((await segmentsOf(kernel, 'silent')).segments, []);
    t.same(readdirSync(join(kernel.stateDir, 'containers', id, 'logs')), []);
  });

  await t.test('in blocking mode the next run by policy waits for room', async (t) => {
    const restart = { name: 'always' };
    await node.run('waits', SAY_AND_FAIL, { claims: [logClaim('blocking', 2 * BLOCK)], spec: { restart } });
    await node.until('three runs', async () => (await segmentsOf(kernel, 'waits')).segments.length === 3, 20_000);
    const { state, restartAt } = await settledAt(kernel, 'waits');
    t.equal(state, 'restarting');
    await node.until('the time of the next run', async () => Date.now() > restartAt + 1_000, 20_000);
    t.equal((await segmentsOf(kernel, 'waits')).segments.length, 3, 'it is past, and there was none');
    await kernel.call('logdata', 'acknowledge', { container: 'waits', number: 2 });
    await node.until('the next run', async () => (await node.inspect('waits')).state.run === 4);
    t.equal((await segmentsOf(kernel, 'waits')).dropped, 0);
    await node.remove('waits');
  });
});

/** The state after the last exit, and when the policy wants the next run at the latest: 100 ms, doubled each time. */
async function settledAt(kernel: BareKernel, name: string): Promise<{ readonly state: string; readonly restartAt: number }> {
  const { state } = await kernel.client.waitForStatus(name, 'restarting');
  return { state: state.status, restartAt: Number(state.finishedAt / 1_000_000n) + 100 * 2 ** state.restartCount };
}
