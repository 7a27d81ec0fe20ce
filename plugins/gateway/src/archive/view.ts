import { SafeRoot } from '@cleat/sdk/filesystem';
import { onContainer } from '../routes/container-lookup.ts';
import type { Scope } from '../scope.ts';

const LEASE_MS = 60_000;
const RENEW_MS = 20_000;
/** Opening makes a container that is never started: some tens of milliseconds, and the providers' time. */
const OPEN_MS = 60_000;

/** A container's files, held open. Whoever opens it closes it. */
export interface ContainerView {
  readonly root: SafeRoot;
  close(): Promise<void>;
}

/** `root`: the root file system alone; `all`: with volumes and binds. */
export async function openView(scope: Scope, name: string, part: 'root' | 'all'): Promise<ContainerView> {
  const opened = await onContainer(name, (container) =>
    scope.callThrough('view', 'open', { container, scope: part, leaseMs: LEASE_MS }, { timeoutMs: OPEN_MS }),
  );
  const { view } = opened;
  // A renewal that fails shows as the next read that fails: then the view is gone.
  const renewal = setInterval(() => void scope.callThrough('view', 'renew', { view, leaseMs: LEASE_MS }).catch(() => undefined), RENEW_MS);
  const release = async (): Promise<void> => {
    clearInterval(renewal);
    await scope.callThrough('view', 'close', { view });
  };
  try {
    const root = new SafeRoot(opened.path);
    let isClosed = false;
    return {
      root,
      close: async () => {
        if (isClosed) return;
        isClosed = true;
        root.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

export async function withView<T>(scope: Scope, name: string, use: (root: SafeRoot) => Promise<T> | T): Promise<T> {
  const view = await openView(scope, name, 'all');
  try {
    return await use(view.root);
  } finally {
    await view.close();
  }
}
