import type { container } from '@cleat/schemas';
import { SafeRoot } from '@cleat/sdk/filesystem';
import type { OperatorClient } from '../connection.ts';
import { parseObject, textAt } from '../output/json.ts';

const LEASE_MS = 60_000;
const RENEW_MS = 20_000;
/** Of a container that does not run the view is made first, which takes its providers' time. */
const OPEN_MS = 60_000;

/** The files of a container, with its volumes and binds. */
export interface ContainerFiles {
  readonly root: SafeRoot;
  /** Where another file system begins that belongs to the content: not /proc, /sys and devices. */
  readonly mounts: ReadonlySet<string>;
}

/** Holds a view of a container open for as long as the work takes. */
export async function withFiles<T>(node: OperatorClient, name: string, work: (files: ContainerFiles) => Promise<T>): Promise<T> {
  const info = await node.call('container', 'inspect', { container: name });
  const opened = await node.call('view', 'open', { container: info.id, scope: 'all', leaseMs: LEASE_MS }, { timeoutMs: OPEN_MS });
  const { view } = opened;
  // A renewal that fails shows as the next read that fails: then the view is gone.
  const renewal = setInterval(() => void node.call('view', 'renew', { view, leaseMs: LEASE_MS }).catch(() => undefined), RENEW_MS);
  try {
    const root = new SafeRoot(opened.path);
    try {
      return await work({ root, mounts: mountsOf(info) });
    } finally {
      root.close();
    }
  } finally {
    clearInterval(renewal);
    await node.call('view', 'close', { view });
  }
}

function mountsOf(info: container.Info): ReadonlySet<string> {
  const volumes = info.claims
    .filter(({ claim }) => claim.kind === 'volume')
    .map(({ claim }) => textAt(parseObject(claim.options), 'target'));
  return new Set([...info.spec.mounts.map(({ target }) => target), ...volumes]);
}
