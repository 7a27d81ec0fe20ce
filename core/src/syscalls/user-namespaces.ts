import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { translated } from './errno.ts';
import { bindMount } from './mounts.ts';
import { bringLoopbackUp, createPinFile, unpinNamespace, withNetworkNamespace } from './network-namespaces.ts';

/** A range of ids: `size` ids from `containerId` inside are those from `hostId` outside. */
export interface IdRange {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

export interface UserNamespaceRequest {
  /** Files that must not exist, to pin the two namespaces at. */
  readonly userPin: string;
  readonly netPin: string;
  readonly uidMap: readonly IdRange[];
  readonly gidMap: readonly IdRange[];
  readonly signal?: AbortSignal;
}

/** Time for a helper that does nothing but two system calls, on a very busy machine. */
const HELPER_LIMIT_MS = 10_000;

/**
 * Makes a user namespace and a network namespace that it owns, pins both, and sets loopback up. A process with threads cannot make a user
 * namespace, so a short-lived child does; it is gone when this returns. On any failure nothing is left.
 */
export async function createUserAndNetworkNamespace(request: UserNamespaceRequest): Promise<void> {
  const { userPin, netPin, uidMap, gidMap } = request;
  const limit = AbortSignal.timeout(HELPER_LIMIT_MS);
  const signal = request.signal === undefined ? limit : AbortSignal.any([request.signal, limit]);
  // cat answers only once unshare(1) has made the namespaces and become it, and ends with its input.
  const helper = spawn('unshare', ['--user', '--net', 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(helper, 'close').catch(() => undefined);
  const pinned: string[] = [];
  try {
    const pid = await readyHelper(helper, signal);
    writeMap(`/proc/${pid}/uid_map`, uidMap);
    writeMap(`/proc/${pid}/gid_map`, gidMap);
    for (const [pin, kind] of [
      [userPin, 'user'],
      [netPin, 'net'],
    ] as const) {
      createPinFile(pin);
      pinned.push(pin);
      bindMount(`/proc/${pid}/ns/${kind}`, pin);
    }
    withNetworkNamespace(netPin, bringLoopbackUp);
  } catch (error) {
    for (const pin of pinned) unpinNamespace(pin);
    throw error;
  } finally {
    helper.kill('SIGKILL');
    await ended;
  }
}

async function readyHelper(helper: ChildProcess, signal: AbortSignal): Promise<number> {
  const { stdin, stdout, stderr, pid } = helper;
  if (stdin === null || stdout === null || stderr === null)
    throw new CleatError('internal', 'NAMESPACE_HELPER', 'the namespace helper has no pipes');
  let complaint = '';
  stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, 1000);
  });
  // A helper that ended early breaks the pipe; its 'close' below says so with its reason.
  stdin.on('error', () => undefined);
  stdin.write('\n');
  const first = await Promise.race([
    once(stdout, 'data', { signal }).then(() => 'ready' as const, toFailure),
    once(helper, 'close', { signal }).then(() => 'closed' as const, toFailure),
  ]);
  if (first === 'ready' && pid !== undefined) return pid;
  if (signal.aborted) {
    const isLate = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
    throw new CleatError(
      isLate ? 'deadline_exceeded' : 'cancelled',
      'NAMESPACE_HELPER',
      isLate ? 'making a user namespace took too long' : 'making a user namespace was cancelled',
      { cause: signal.reason },
    );
  }
  throw new CleatError('internal', 'NAMESPACE_HELPER', `cannot make a user namespace: ${complaint.trim() || 'unshare failed'}`, {
    hint: 'See that unshare (util-linux) is installed and that user.max_user_namespaces is not 0.',
    cause: first,
  });
}

function toFailure(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** The whole map goes in one write; the kernel takes no second one. */
function writeMap(path: string, ranges: readonly IdRange[]): void {
  if (ranges.length === 0) throw new CleatError('invalid_argument', 'ID_MAP_INVALID', 'an id map needs at least one range');
  const text = ranges.map((range) => `${range.containerId} ${range.hostId} ${range.size}\n`).join('');
  translated(path, () => {
    writeFileSync(path, text);
  });
}
