import type { PrivateBus } from '@cleat/core/bus';
import { detectCgroups } from '@cleat/core/cgroup';
import type { RuntimeHost } from '@cleat/runtime';
import type { node } from '@cleat/schemas';
import type { KernelConfig } from '../config.ts';
import type { EventPublisher } from '../events/event-publisher.ts';
import type { KernelStore } from '../state/kernel-store.ts';

export interface NodeServiceParts {
  readonly store: KernelStore;
  readonly config: KernelConfig;
  readonly bus: PrivateBus;
  readonly publisher: EventPublisher;
  readonly runtime: RuntimeHost;
  readonly bootId: string;
  readonly onShutdown: (how: { readonly stopContainers: boolean }) => void;
}

/** `node@1`: what this node is, and its end. */
export class NodeService {
  readonly #parts: NodeServiceParts;

  constructor(parts: NodeServiceParts) {
    this.#parts = parts;
  }

  async info(): Promise<node.InfoResponseInput> {
    const { store, config, bus, publisher, runtime, bootId } = this.#parts;
    const owed = store.owed
      .all()
      .map(({ reference, kind, provider, operation, since }) => ({
        ...{ kind, provider, operation, since },
        container: reference.container,
        claim: reference.claim,
      }));
    return {
      node: store.nodeId,
      name: config.nodeName,
      version: config.version,
      bootId,
      incarnation: store.incarnation,
      stateDir: config.stateDir,
      runDir: config.runDir,
      cgroupLayout: detectCgroups().layout,
      cgroupDriver: config.cgroupDriver,
      defaultRuntime: config.defaultRuntime,
      runtimes: runtime.programs,
      busUp: bus.isUp,
      natsVersion: bus.serverVersion,
      newestEvent: store.newest,
      publishedEvent: publisher.published,
      owed,
      warnings: owed.length === 0 ? [] : [`${owed.length} undos are owed by plugins that are away`],
    };
  }

  /** Answered before it happens: who asked could not be told afterwards. */
  async shutdown(request: node.ShutdownRequest): Promise<object> {
    setTimeout(() => this.#parts.onShutdown({ stopContainers: request.stopContainers }), 50);
    return {};
  }
}
