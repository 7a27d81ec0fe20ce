import { isSameProcess } from '@cleat/core/syscalls';
import { CleatError, type containerTypes } from '@cleat/schemas';
import { type Container, hasProcess } from '../state/container.ts';
import { type EngineParts, pathsOf } from './parts.ts';
import type { NamespacePaths } from './ports.ts';

/** Where the process of a container finds its namespaces. Throws `conflict` when the one it shares with does not run. */
export function namespacePaths(parts: Pick<EngineParts, 'store' | 'host'>, container: Container): NamespacePaths {
  const { network, pid, ipc, uts, user } = container.definition.spec.namespaces;
  const own = pathsOf(parts, container.definition.id);
  const donor = network.startsWith('container:') ? parts.store.get(network.slice('container:'.length)) : container;
  return {
    network: network === 'private' ? own.networkPin : shared(parts, network, 'net'),
    // Who joins the network of a container joins its user namespace.
    user: donor.definition.spec.namespaces.user === 'private' ? pathsOf(parts, donor.definition.id).userPin : user,
    idMapping: donor.definition.spec.namespaces.idMapping,
    pid: shared(parts, pid, 'pid'),
    ipc: shared(parts, ipc, 'ipc'),
    uts: shared(parts, uts, 'uts'),
  };
}

/** The containers whose namespaces one joins, by id. */
export function joinedIds({ network, pid, ipc, uts }: containerTypes.Namespaces): readonly string[] {
  const modes = [network, pid, ipc, uts].filter((mode) => mode.startsWith('container:'));
  return modes.map((mode) => mode.slice('container:'.length));
}

/** One that it joins does not run yet, but will: its own policy is about to start it, or has not been asked yet. */
export function isJoinedComing({ store, host }: Pick<EngineParts, 'store' | 'host'>, container: Container): boolean {
  return joinedIds(container.definition.spec.namespaces).some((id) => {
    const progress = store.containers.get(id)?.progress;
    if (progress === undefined) return false;
    // A pid of the boot before is somebody else's.
    if (progress.bootId !== host.bootId || ['restarting', 'starting'].includes(progress.state.status)) return true;
    return hasProcess(progress) && !isSameProcess(progress.init.pid, progress.init.startTime);
  });
}

function shared(parts: Pick<EngineParts, 'store'>, mode: string, file: string): string {
  if (mode === 'host') return 'host';
  if (!mode.startsWith('container:')) return '';
  const other = parts.store.get(mode.slice('container:'.length));
  const { init } = other.progress;
  if (!hasProcess(other.progress) || !isSameProcess(init.pid, init.startTime)) {
    throw new CleatError(
      'conflict',
      'CONTAINER_NOT_RUNNING',
      `cannot join the ${file} namespace of a non running container: ${other.definition.name}`,
    );
  }
  return `/proc/${init.pid}/ns/${file}`;
}
