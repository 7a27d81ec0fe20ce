import { CleatError } from '@cleat/schemas';
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

function shared(parts: Pick<EngineParts, 'store'>, mode: string, file: string): string {
  if (mode === 'host') return 'host';
  if (!mode.startsWith('container:')) return '';
  const other = parts.store.get(mode.slice('container:'.length));
  if (!hasProcess(other.progress)) {
    throw new CleatError(
      'conflict',
      'CONTAINER_NOT_RUNNING',
      `cannot join the ${file} namespace of a non running container: ${other.definition.name}`,
    );
  }
  return `/proc/${other.progress.state.pid}/ns/${file}`;
}
