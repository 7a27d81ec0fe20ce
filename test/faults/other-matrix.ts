import { join } from 'node:path';
import { processStartTime } from '@cleat/core/syscalls';
import { compareSnapshots, hostSnapshot, type SnapshotScope, waitFor } from '@cleat/harness';
import { isCleatError } from '@cleat/schemas';
import type { Test } from 'tap';
import type { BareKernel } from '../platform/bare-kernel.ts';
import { checkEvents } from '../platform/event-check.ts';
import type { NodeClient } from '../platform/node-client.ts';
import { checkTruth } from './kernel-matrix.ts';

export interface OtherMatrix {
  readonly kernel: BareKernel;
  readonly steps: readonly string[];
  /** Who is killed at a record of the kernel's. */
  victim(): Promise<number>;
  life(node: NodeClient, name: string): Promise<void>;
  /** What the life may fail with; by default it has to come through. */
  readonly mayFail?: RegExp;
  readonly dirs?: readonly string[];
  /** Before each case. */
  prepare?(): Promise<void>;
  /** After each, before what is left is looked at. */
  settle?(): Promise<void>;
}

/** SIGKILL of another process than the kernel at each of the kernel's records: the kernel stays, and all is true afterwards. */
export async function killOtherAtEvery(t: Test, matrix: OtherMatrix): Promise<void> {
  const { kernel } = matrix;
  const node = kernel.client;
  await node.run('bystander', ['sleep', '100000']);
  const { pid } = (await node.inspect('bystander')).state;
  const startTime = processStartTime(pid) ?? 0;
  const kernelPid = kernel.pid;
  const dirs = [join(kernel.runDir, 'c'), join(kernel.stateDir, 'containers'), ...(matrix.dirs ?? [])];
  const scope: SnapshotScope = { dirs, names: new RegExp(kernel.instanceId) };
  const clean = hostSnapshot(scope);
  let count = 0;
  for (const step of matrix.steps) {
    count += 1;
    const name = `life-${count}`;
    await t.test(`at ${step}`, async (t) => {
      await matrix.prepare?.();
      kernel.arm('after', step, await matrix.victim());
      const outcome = await matrix.life(node, name).then(() => 'done', described);
      t.notOk(kernel.isArmed, 'the record was reached');
      kernel.disarm();
      if (matrix.mayFail === undefined) t.equal(outcome, 'done', 'the client came through');
      else t.match(outcome, matrix.mayFail);
      t.equal(kernel.pid, kernelPid);
      t.notOk(kernel.hasEnded, 'the kernel stays up');
      await checkTruth(t, kernel);
      t.equal(processStartTime((await node.inspect('bystander')).state.pid), startTime, 'another container did not notice');
      await node.removeAll(['bystander']);
      await matrix.settle?.();
      const isClean = (): boolean => compareSnapshots(clean, hostSnapshot(scope)).length === 0;
      await waitFor('nothing left', isClean, { timeoutMs: 15_000 }).catch(() => undefined);
      t.same(compareSnapshots(clean, hostSnapshot(scope)), [], 'nothing leaked');
      if (!t.passing()) t.comment(kernel.logTail);
    });
  }
  t.ok(count > 0, `${count} kills`);
  checkEvents(t, await node.events());
}

function described(error: unknown): string {
  if (isCleatError(error)) return `${error.code} ${error.plugin ?? ''}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
