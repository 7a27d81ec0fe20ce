import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { Deadline } from '@cleat/core';
import { removeTree } from '@cleat/core/files';
import { writeHostFiles } from '@cleat/runtime';
import { CleatError, type journal, type view } from '@cleat/schemas';
import { hasProcess } from '../state/container.ts';
import { fillEmptySources } from './copy-up.ts';
import { ATTACH_MS, CLEAN_MS, CREATE_PROCESS_MS, DETACH_MS } from './limits.ts';
import { type Asked, BY_ITSELF, type EngineParts, pathsOf, runSurely } from './parts.ts';
import { viewBundle } from './paths.ts';
import { mergedOf } from './start.ts';

interface Lease {
  readonly container: string;
  timer: NodeJS.Timeout;
  /** Whose connection keeps it. */
  readonly owner: string;
}

/**
 * Views: a container's file system held open without running it. Of a running container it is the run's own; else a
 * container that the runtime creates and never starts, so that there is one code for mounts.
 */
export class Views {
  readonly #parts: EngineParts;
  readonly #leases = new Map<string, Lease>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  async open(id: string, request: { readonly scope: string; readonly leaseMs: number }, asked: Asked): Promise<view.OpenResponseInput> {
    if (request.scope !== 'all' && request.scope !== 'root')
      throw new CleatError('invalid_argument', 'VIEW_SCOPE', `a view is of "root" or of "all", not of "${request.scope}"`);
    const { store, queue } = this.#parts;
    return queue.run(id, async (signal) => {
      const current = store.get(id);
      const { status, pid } = current.progress.state;
      if (status === 'removing' || status === 'dead') throw new CleatError('conflict', 'CONTAINER_STATE', 'container is being removed');
      const viewId = viewIdOf(asked);
      // Asked for again after the kernel was killed before it could answer: what there was is made anew.
      if (current.progress.holders.some((known) => known.id === `view:${viewId}`)) await this.#end(id, viewId);
      const owner = asked.actor.caller ?? '';
      // Without a lease it is not open yet: the next kernel ends it.
      const opening: journal.Holder = { id: `view:${viewId}`, scope: request.scope, owner, leaseMs: 0 };
      const before = store.get(id).progress;
      store.step(id, 'view.intent', { ...before, holders: [...before.holders, opening] });
      try {
        const path =
          hasProcess(current.progress) && request.scope === 'all'
            ? `/proc/${pid}/root`
            : await this.#make(id, viewId, request.scope, { ...asked, signal });
        const holder = { ...opening, leaseMs: Math.max(1, request.leaseMs) };
        const { progress } = store.get(id);
        const holders = progress.holders.map((known) => (known.id === holder.id ? holder : known));
        store.step(id, 'view.open', { ...progress, holders });
        this.#arm(viewId, id, holder);
        return { view: viewId, path, running: hasProcess(current.progress) };
      } catch (error) {
        await this.#end(id, viewId);
        throw error;
      }
    });
  }

  renew(viewId: string, leaseMs: number): void {
    const lease = this.#leases.get(viewId);
    if (lease === undefined) throw new CleatError('not_found', 'VIEW_NOT_FOUND', `no such view: ${viewId}`);
    clearTimeout(lease.timer);
    lease.timer = this.#timer(viewId, lease.container, leaseMs);
  }

  async close(viewId: string): Promise<void> {
    const lease = this.#leases.get(viewId);
    if (lease === undefined) return;
    await runSurely(this.#parts.queue, lease.container, () => this.#end(lease.container, viewId));
  }

  /** Within the container's queue: before a removal. */
  async endAll(id: string): Promise<void> {
    const { holders } = this.#parts.store.get(id).progress;
    for (const holder of holders) if (holder.id.startsWith('view:')) await this.#end(id, holder.id.slice('view:'.length));
  }

  /** After a start of the kernel: leases go on with their whole time; a view whose process is gone ends. */
  async recover(id: string): Promise<void> {
    for (const holder of this.#parts.store.get(id).progress.holders) {
      if (!holder.id.startsWith('view:')) continue;
      const viewId = holder.id.slice('view:'.length);
      if (holder.leaseMs === 0) await this.#end(id, viewId);
      else this.#arm(viewId, id, holder);
    }
  }

  stop(): void {
    for (const lease of this.#leases.values()) clearTimeout(lease.timer);
  }

  async #make(id: string, viewId: string, scope: string, asked: Asked): Promise<string> {
    const { uses, host, store } = this.#parts;
    await uses.open(id, { deadline: Deadline.after(ATTACH_MS), actor: asked.actor, signal: asked.signal });
    const paths = pathsOf(this.#parts, id);
    if (scope === 'root') return paths.root;
    await fillEmptySources(this.#parts, id, Deadline.after(ATTACH_MS));
    const current = store.get(id);
    const bundle = viewBundle(paths, viewId);
    mkdirSync(bundle, { recursive: true, mode: 0o711 });
    const contribution = mergedOf(current);
    const { spec, name } = current.definition;
    await writeHostFiles(paths, spec, contribution);
    const cgroupName = `${id}-view-${viewId}`;
    const namespaces = {
      idMapping: spec.namespaces.idMapping,
      network: '',
      user: spec.namespaces.user === 'private' ? '' : 'host',
      pid: '',
      ipc: '',
      uts: '',
    };
    await host.runtime.writeBundle({ id, name, bundle, spec, root: paths.root, contribution, paths, cgroupName, namespaces, isView: true });
    store.step(id, 'view.process', store.get(id).progress);
    const init = await host.runtime.createView({
      id: cgroupName,
      bundle,
      runtime: spec.runtime,
      deadline: Deadline.after(CREATE_PROCESS_MS),
    });
    return `/proc/${init.pid}/root`;
  }

  async #end(id: string, viewId: string): Promise<void> {
    const { uses, host, store } = this.#parts;
    const lease = this.#leases.get(viewId);
    if (lease !== undefined) clearTimeout(lease.timer);
    this.#leases.delete(viewId);
    if (!store.containers.has(id)) return;
    const current = store.get(id);
    const bundle = viewBundle(pathsOf(this.#parts, id), viewId);
    const { runtime, cgroupParent } = current.definition.spec;
    const name = `${id}-view-${viewId}`;
    const cgroup = host.runtime.cgroup(name, cgroupParent);
    await host.runtime.endView({ id: name, bundle, runtime, cgroup }, Deadline.after(CLEAN_MS));
    await removeTree(bundle);
    await uses.leave(id, `view:${viewId}`, { deadline: Deadline.after(DETACH_MS), actor: BY_ITSELF.actor });
  }

  #arm(viewId: string, container: string, holder: journal.Holder): void {
    this.#leases.set(viewId, { container, owner: holder.owner, timer: this.#timer(viewId, container, holder.leaseMs) });
  }

  #timer(viewId: string, container: string, leaseMs: number): NodeJS.Timeout {
    return setTimeout(
      () => {
        this.#parts.host.log.info('the lease of a view ran out', { view: viewId, container });
        this.#parts.host.tasks.spawn('view lease', () => runSurely(this.#parts.queue, container, () => this.#end(container, viewId)));
      },
      Math.min(Math.max(leaseMs, 1000), 3_600_000),
    );
  }
}

/** The same for the same operation of the same caller, so that one that comes again is known. */
function viewIdOf({ actor }: Asked): string {
  const { caller = '', operation = '' } = actor;
  if (operation === '') return randomBytes(8).toString('hex');
  return createHash('sha256').update(`${caller}\n${operation}`).digest('hex').slice(0, 16);
}
