import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isSameProcess, processStartTime } from '@cleat/core/syscalls';
import { compareSnapshots, hostSnapshot, type SnapshotScope, waitFor } from '@cleat/harness';
import { isCleatError } from '@cleat/schemas';
import type { Test } from 'tap';
import type { BareKernel } from '../platform/bare-kernel.ts';
import { checkEvents } from '../platform/event-check.ts';
import type { NodeClient } from '../platform/node-client.ts';

const AT_REST: readonly string[] = ['created', 'running', 'paused', 'exited'];

export interface Matrix {
  readonly kernel: BareKernel;
  /** Records of the journal by their names; what the life below writes. */
  readonly steps: readonly string[];
  readonly moments?: readonly ('before' | 'after')[];
  /** What a client does. Every case gets a name of its own. */
  life(node: NodeClient, name: string): Promise<void>;
  /** leaves: the client has died with the kernel; stays: it sends again, and has to come through. */
  readonly client: 'leaves' | 'stays';
  /** More directories in which nothing may be left. */
  readonly dirs?: readonly string[];
  /** Looked at after each case, when the containers of the case have been removed. */
  check?(t: Test): Promise<void>;
}

/**
 * SIGKILL of the kernel before and after every record that a life writes, each time followed by a start: then every state is
 * true, another container has not noticed, and nothing is left of what was removed.
 */
export async function killAtEvery(t: Test, matrix: Matrix): Promise<void> {
  const { kernel, steps, moments = ['before', 'after'] } = matrix;
  await kernel.client.run('bystander', ['sleep', '100000']);
  const { pid } = (await kernel.client.inspect('bystander')).state;
  const startTime = processStartTime(pid) ?? 0;
  const scope: SnapshotScope = {
    dirs: [join(kernel.runDir, 'c'), join(kernel.stateDir, 'containers'), ...(matrix.dirs ?? [])],
    names: new RegExp(kernel.instanceId),
  };
  const clean = hostSnapshot(scope);
  let count = 0;
  for (const step of steps) {
    for (const moment of moments) {
      count += 1;
      const name = `life-${count}`;
      await t.test(`${moment} ${step}`, async (t) => {
        await oneKill(t, matrix, { step, moment, name });
        await checkTruth(t, kernel);
        const now = await kernel.client.inspect('bystander');
        t.equal(now.state.status, 'running', 'the other container runs');
        t.equal(now.state.pid, pid);
        t.ok(isSameProcess(pid, startTime), 'it did not notice');
        await kernel.client.removeAll(['bystander']);
        await waitFor('nothing left', () => compareSnapshots(clean, hostSnapshot(scope)).length === 0, { timeoutMs: 3000 }).catch(
          () => undefined,
        );
        t.same(compareSnapshots(clean, hostSnapshot(scope)), [], 'nothing leaked');
        await matrix.check?.(t);
        if (!t.passing()) t.comment(kernel.logTail);
      });
    }
  }
  t.ok(count > 0, `${count} kills`);
  checkEvents(t, await kernel.client.events());
}

async function oneKill(
  t: Test,
  matrix: Matrix,
  at: { readonly step: string; readonly moment: 'before' | 'after'; readonly name: string },
): Promise<void> {
  const { kernel } = matrix;
  kernel.arm(at.moment, at.step);
  const outcome = matrix.life(kernel.client, at.name).then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? `${isCleatError(error) ? `${error.code}: ` : ''}${error.message}` : String(error)),
  );
  await Promise.race([outcome, kernel.ended(30_000)]);
  await kernel.ended(5_000).catch(() => undefined);
  t.equal(kernel.signal, 'SIGKILL', 'the record was reached');
  if (!kernel.hasEnded) {
    t.comment(`the life: ${await outcome}`);
    kernel.disarm();
    return;
  }
  if (matrix.client === 'leaves') await kernel.disconnect();
  await kernel.start();
  if (matrix.client === 'stays') t.equal(await outcome, 'done', 'the client that stayed came through');
}

/** Every state is one that can be, and is so. */
export async function checkTruth(t: Test, kernel: BareKernel): Promise<void> {
  for (const { name, state } of await kernel.client.list()) {
    await waitFor(`${name} at rest`, async () => AT_REST.includes((await kernel.client.inspect(name)).state.status), {
      timeoutMs: 15_000,
    }).catch(() => undefined);
    const { state: settled, paths } = await kernel.client.inspect(name);
    t.ok(AT_REST.includes(settled.status), `${name} is at rest: ${settled.status}`);
    const isThere = settled.pid > 0 && existsSync(`/proc/${settled.pid}`);
    t.equal(['running', 'paused'].includes(settled.status), isThere, `${name} is ${settled.status} (was ${state.status})`);
    if (!isThere) t.same(cgroupsOf(paths.cgroup), [], `${name} has no cgroup`);
  }
}

function cgroupsOf(path: string): readonly string[] {
  return ['', ...readdirSync('/sys/fs/cgroup')]
    .map((controller) => join('/sys/fs/cgroup', controller, path))
    .filter((directory) => existsSync(directory));
}
