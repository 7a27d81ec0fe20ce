import { readFileSync } from 'node:fs';
import { CleatError, type providerTypes } from '@cleat/schemas';
import { type Telling, type UntoldEvent, UntoldEvents, untoldEvent } from '@cleat/sdk';
import type { Endpoint, NetworkDefinition } from './model.ts';

/** What is used of the SDK's journal. */
export interface StoreJournal {
  readonly needsRotation: boolean;
  write(schema: string, payload: Uint8Array): number;
  sync(): Promise<number>;
  rotate(items: Iterable<StoredRecord>): Promise<void>;
  close(): Promise<void>;
}

export interface StoredRecord {
  readonly schema: string;
  readonly payload: Uint8Array;
}

/** Opens the journal and hands its records over, oldest first. */
export type OpenJournal = (replay: (record: StoredRecord) => void) => Promise<StoreJournal>;

/** Names the format of the records below; one that changes its meaning gets another. */
const FORMAT = '6e6574776f726b01';

type Change =
  | { readonly type: 'network'; readonly network: NetworkDefinition; readonly untold?: UntoldEvent | undefined }
  | { readonly type: 'network-removed'; readonly id: string; readonly untold?: UntoldEvent | undefined }
  | { readonly type: 'untold'; readonly untold: UntoldEvent }
  | { readonly type: 'told'; readonly key: string }
  | { readonly type: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly type: 'endpoint-removed'; readonly key: string }
  | { readonly type: 'forwarding'; readonly guard: ForwardingGuard };

/** Forwarding was switched on by this plugin, in a boot, on a host with these links. */
interface ForwardingGuard {
  readonly bootId: string;
  readonly uplinks: readonly string[];
}

/** Networks and endpoints, in memory and in a journal. A change is written before its method returns. */
export class NetworkStore {
  readonly #networks = new Map<string, NetworkDefinition>();
  readonly #endpoints = new Map<string, Endpoint>();
  /** Being removed: nobody finds them any more, but what is there of them is still to go. */
  readonly #retired = new Set<string>();
  readonly #untold = new UntoldEvents();
  #guard: ForwardingGuard | undefined;
  #journal: StoreJournal | undefined;
  #rotation: Promise<void> | undefined;

  static async open(openJournal: OpenJournal): Promise<NetworkStore> {
    const store = new NetworkStore();
    store.#journal = await openJournal((record) => store.#replay(record));
    return store;
  }

  networks(): readonly NetworkDefinition[] {
    return [...this.#networks.values()].filter((network) => !this.#retired.has(network.id));
  }

  network(id: string): NetworkDefinition | undefined {
    return this.#retired.has(id) ? undefined : this.#networks.get(id);
  }

  /** Hides a network while it is removed; it is back if that fails. */
  async whileRetired(id: string, remove: () => Promise<void>): Promise<void> {
    this.#retired.add(id);
    try {
      await remove();
    } finally {
      this.#retired.delete(id);
    }
  }

  endpoints(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  endpoint(key: string): Endpoint | undefined {
    return this.#endpoints.get(key);
  }

  endpointsOf(networkId: string): readonly Endpoint[] {
    return this.endpoints().filter((endpoint) => endpoint.networkId === networkId);
  }

  /** The endpoints of a container, in the order in which they were reserved. */
  endpointsOfContainer(container: string): readonly Endpoint[] {
    return this.endpoints().filter((endpoint) => endpoint.container === container);
  }

  putNetwork(network: NetworkDefinition, event?: providerTypes.EventInput): void {
    this.#write({ type: 'network', network, untold: event && untoldEvent(event) });
  }

  /** Without an event it has never been, for whoever listens. */
  removeNetwork(id: string, event?: providerTypes.EventInput): void {
    if (this.#networks.has(id)) this.#write({ type: 'network-removed', id, untold: event && untoldEvent(event) });
  }

  /** Events that are not known to have been published, in order. */
  untold(): readonly UntoldEvent[] {
    return this.#untold.all;
  }

  /** Publishes them. A failure is made up for by the next call. */
  tell(how: Omit<Telling, 'told'>): Promise<void> {
    return this.#untold.tell({ ...how, told: (key) => this.told(key) });
  }

  told(key: string): void {
    if (this.#untold.has(key)) this.#write({ type: 'told', key });
  }

  putEndpoint(endpoint: Endpoint): void {
    this.#write({ type: 'endpoint', endpoint });
  }

  removeEndpoint(key: string): void {
    if (this.#endpoints.has(key)) this.#write({ type: 'endpoint-removed', key });
  }

  /** Links that packets are not to be forwarded between; a boot begins with none. */
  forwardingGuard(): readonly string[] {
    return this.#guard?.bootId === currentBootId() ? this.#guard.uplinks : [];
  }

  putForwardingGuard(uplinks: readonly string[]): void {
    this.#write({ type: 'forwarding', guard: { bootId: currentBootId(), uplinks } });
  }

  /** Resolves when every change made so far survives a loss of power. */
  async sync(): Promise<void> {
    await this.#journal?.sync();
  }

  async close(): Promise<void> {
    await this.#rotation;
    await this.#journal?.close();
  }

  #write(change: Change): void {
    this.#journal?.write(FORMAT, Buffer.from(JSON.stringify(change)));
    this.#apply(change);
    if (this.#journal?.needsRotation === true && this.#rotation === undefined) this.#rotate(this.#journal);
  }

  #apply(change: Change): void {
    switch (change.type) {
      case 'network':
        this.#networks.set(change.network.id, change.network);
        this.#untold.add(change.untold);
        return;
      case 'network-removed':
        this.#networks.delete(change.id);
        if (change.untold === undefined) this.#untold.forget(change.id);
        this.#untold.add(change.untold);
        return;
      case 'untold':
        this.#untold.add(change.untold);
        return;
      case 'told':
        this.#untold.drop(change.key);
        return;
      case 'endpoint':
        this.#endpoints.set(change.endpoint.key, change.endpoint);
        return;
      case 'endpoint-removed':
        this.#endpoints.delete(change.key);
        return;
      case 'forwarding':
        this.#guard = change.guard;
        return;
    }
  }

  #replay(record: StoredRecord): void {
    if (record.schema !== FORMAT) {
      throw new CleatError(
        'internal',
        'NETWORK_STORE_UNKNOWN',
        `the network plugin's store has a record of an unknown format ${record.schema}`,
        { hint: 'It was written by a newer version of the plugin; install that one again.' },
      );
    }
    const change: unknown = JSON.parse(Buffer.from(record.payload).toString('utf8'));
    if (!isChange(change))
      throw new CleatError('internal', 'NETWORK_STORE_DAMAGED', 'the network plugin’s store has a record that is none');
    this.#apply(change);
  }

  #rotate(journal: StoreJournal): void {
    const items: Change[] = [
      ...[...this.#networks.values()].map((network) => ({ type: 'network', network }) as const),
      ...this.endpoints().map((endpoint) => ({ type: 'endpoint', endpoint }) as const),
      ...this.untold().map((untold) => ({ type: 'untold', untold }) as const),
      ...(this.#guard === undefined ? [] : [{ type: 'forwarding', guard: this.#guard } as const]),
    ];
    // A rotation that fails leaves the journal as it is; the next write tries again.
    this.#rotation = journal
      .rotate(items.map((change) => ({ schema: FORMAT, payload: Buffer.from(JSON.stringify(change)) })))
      .catch(() => undefined)
      .then(() => {
        this.#rotation = undefined;
      });
  }
}

function currentBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** The journal's checksum vouches for the content; the format name for its shape. */
function isChange(value: unknown): value is Change {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
