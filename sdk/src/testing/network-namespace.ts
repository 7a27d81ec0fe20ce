import { type ChildProcess, spawn } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { monotonicMs, sleep } from '@cleat/core/deadlines';
import { CleatError } from '@cleat/schemas';

const START_MS = 5_000;

/** A network namespace for tests of network drivers: as a container's, and gone with `close`. */
export interface TestNetworkNamespace {
  /** For setns(2), as the kernel hands it to a provider. */
  readonly path: string;
  close(): void;
}

/** Makes an empty network namespace, held by a process. Needs root. Throws `unavailable` NAMESPACE_MISSING without it. */
export async function openNetworkNamespace(): Promise<TestNetworkNamespace> {
  const holder = spawn('unshare', ['--net', 'sleep', '3600'], { stdio: 'ignore' });
  const path = `/proc/${holder.pid ?? 0}/ns/net`;
  const own = await readlink('/proc/self/ns/net');
  const untilMs = monotonicMs() + START_MS;
  // Until unshare has done its work the process is in the namespace of the host.
  while ((await readlink(path).catch(() => own)) === own) {
    if (hasEnded(holder) || monotonicMs() > untilMs) {
      holder.kill('SIGKILL');
      throw new CleatError('unavailable', 'NAMESPACE_MISSING', 'a network namespace cannot be made here', {
        hint: 'It takes root, and unshare of util-linux.',
      });
    }
    await sleep(5);
  }
  return { path, close: () => void holder.kill('SIGKILL') };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
