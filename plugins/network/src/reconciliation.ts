import type { provider } from '@cleat/schemas';
import type { ReconcileAll } from '@cleat/sdk';
import type { AddressBook } from './address-book.ts';
import { parseBridgeSettings } from './bridge-settings.ts';
import type { BridgeDriver } from './drivers/bridge-driver.ts';
import type { NetworkLedger } from './drivers/plugin-driver.ts';
import type { Firewall } from './firewall.ts';
import { guardElements, networkElements, portElements } from './firewall-rules.ts';
import type { Attachment, Endpoint, NetworkDefinition } from './model.ts';
import { endpointKey } from './model.ts';
import type { NetworkProvider } from './network-provider.ts';
import type { NetworkStore } from './network-store.ts';
import type { Sandboxes } from './sandboxes.ts';

export interface ReconciliationParts {
  readonly store: NetworkStore;
  readonly addresses: AddressBook;
  readonly sandboxes: Sandboxes;
  readonly provider: NetworkProvider;
  readonly bridges: BridgeDriver;
  readonly firewall: Firewall;
  /** What drivers of other plugins hold. */
  readonly ledger: NetworkLedger | undefined;
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

interface Attached {
  readonly endpoint: Endpoint;
  readonly attachment: Attachment;
  readonly network: NetworkDefinition;
}

/**
 * Makes the host and the store what the kernel says they are, after a restart of either side: what is not listed is
 * dropped, what was lost is rebuilt from the kernel's list, and what died with an earlier process is opened again.
 */
export class Reconciliation {
  readonly #parts: ReconciliationParts;

  constructor(parts: ReconciliationParts) {
    this.#parts = parts;
  }

  async run(all: ReconcileAll): Promise<provider.ReconcileResponseInput> {
    const failures: provider.FailureInput[] = [];
    await this.#settleOwed(all, failures);
    await this.#dropUnlisted(all, failures);
    const lacks = this.#takeListed(all, failures);
    await this.#endVoid(all.bootId);
    await this.#settlePlugins(all);
    const attached = this.#attached();
    await this.#restoreHost(attached);
    for (const { endpoint, attachment, network } of attached) await this.#resume(endpoint, attachment, network);
    await this.#parts.store.sync();
    return { lacks, failures };
  }

  async #settleOwed(all: ReconcileAll, failures: provider.FailureInput[]): Promise<void> {
    const { provider } = this.#parts;
    for (const { reference, operation } of all.owed) {
      try {
        await (operation === 'release' ? provider.release(reference) : provider.detach(reference));
      } catch (error) {
        failures.push({ reference, reason: reasonOf(error) });
      }
    }
  }

  /** Endpoints that the kernel does not list, and attachments that it says are none. */
  async #dropUnlisted(all: ReconcileAll, failures: provider.FailureInput[]): Promise<void> {
    const { store, provider } = this.#parts;
    const listed = new Map(all.held.map((held) => [keyOf(held), held]));
    for (const endpoint of store.endpoints()) {
      const held = listed.get(endpoint.key);
      const isAttached = endpoint.attachment !== undefined;
      const reference = { object: endpoint.key, container: endpoint.container, claim: endpoint.claim, bootId: all.bootId, number: 0 };
      try {
        if (held === undefined) await provider.release(reference);
        else if (isAttached && (!held.attached || endpoint.attachment?.isComplete === false)) await provider.detach(reference);
      } catch (error) {
        failures.push({ reference, reason: reasonOf(error) });
      }
    }
  }

  /** Rebuilds what is listed and not known; gives what can't be, since its network is not known either. */
  #takeListed(all: ReconcileAll, failures: provider.FailureInput[]): provider.ReconcileResponseInput['lacks'] {
    const { store, provider } = this.#parts;
    const lacks: provider.Held['reference'][] = [];
    for (const held of all.held) {
      const known = store.endpoint(keyOf(held));
      try {
        if (known === undefined || (held.attached && known.attachment === undefined)) {
          if (provider.rebuild(held) === undefined) lacks.push(held.reference);
        } else if (known.containerName !== held.container.name && held.container.name !== '') {
          store.putEndpoint({ ...known, containerName: held.container.name });
        }
      } catch (error) {
        failures.push({ reference: held.reference, reason: reasonOf(error) });
      }
    }
    return lacks;
  }

  /** Attachments of an earlier boot went with it; only what was remembered of them is left. */
  async #endVoid(bootId: string): Promise<void> {
    const { store, provider } = this.#parts;
    for (const endpoint of store.endpoints()) {
      if (endpoint.attachment === undefined || endpoint.attachment.bootId === bootId) continue;
      await provider.detach({ object: endpoint.key, container: endpoint.container, claim: endpoint.claim, bootId, number: 0 });
    }
  }

  /** Uses that the kernel does not list are ended; one that it lists and the ledger lost is made again by the next attach. */
  async #settlePlugins(all: ReconcileAll): Promise<void> {
    const { store, ledger, warn } = this.#parts;
    const networkOf = (held: provider.Held): string | undefined => {
      const network = store.network(store.endpoint(keyOf(held))?.networkId ?? '');
      return network?.driver === 'plugin' ? network.id : undefined;
    };
    const lost = (await ledger?.settleUses(all, networkOf)) ?? [];
    for (const { container } of lost) warn('a container has lost its link to its network', { container });
  }

  #attached(): readonly Attached[] {
    const { store } = this.#parts;
    return store.endpoints().flatMap((endpoint) => {
      const network = store.network(endpoint.networkId);
      const { attachment } = endpoint;
      return attachment === undefined || network === undefined || network.driver !== 'bridge' ? [] : [{ endpoint, attachment, network }];
    });
  }

  /** Bridges, rules and links: all that is wanted is there, and nothing else of this instance. */
  async #restoreHost(attached: readonly Attached[]): Promise<void> {
    const { store, bridges, firewall } = this.#parts;
    const used = new Map(attached.map(({ network }) => [network.id, network]));
    // Clients may make networks meanwhile, so what is kept is asked anew for each step.
    const open = (): readonly NetworkDefinition[] =>
      store.networks().filter((network) => network.bridge !== '' && (used.has(network.id) || bridges.hasLink(network.bridge)));
    if (open().length > 0 || firewall.isOnHost()) {
      await firewall.replace(() => [
        ...guardElements(store.forwardingGuard()),
        ...open().flatMap((network) => networkElements(network, parseBridgeSettings(network.options))),
        ...attached.flatMap(({ attachment }) => elementsOf(attachment)),
      ]);
    }
    for (const network of used.values()) await bridges.open(network);
    bridges.sweep(
      new Set(attached.map(({ attachment }) => attachment.hostLink)),
      new Set(store.networks().map((network) => network.bridge)),
    );
  }

  async #resume(endpoint: Endpoint, attachment: Attachment, network: NetworkDefinition): Promise<void> {
    const { bridges, sandboxes, warn } = this.#parts;
    try {
      if (!bridges.hasLink(attachment.hostLink))
        warn('a container has lost its link to its network', { container: endpoint.container, network: network.name });
      await bridges.resume(endpoint, attachment);
      if (!sandboxes.has(endpoint)) await sandboxes.join(endpoint, attachment, network, false);
    } catch (error) {
      // Its own exit will be told by the kernel; the other containers are not to wait for it.
      warn('could not resume an endpoint', { container: endpoint.container, network: network.name, error });
    }
  }
}

function elementsOf(attachment: Attachment): ReturnType<typeof portElements> {
  const target = { ipv4: attachment.ipv4?.address ?? '', ipv6: attachment.ipv6?.address ?? '' };
  return attachment.ports.flatMap((port) => portElements(port, target));
}

function keyOf(held: provider.Held): string {
  return endpointKey(held.reference.container, held.reference.claim);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
