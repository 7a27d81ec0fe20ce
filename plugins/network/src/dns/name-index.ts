import type { Endpoint } from '../model.ts';
import { dnsNames } from '../model.ts';

/** An endpoint that others find by name. */
interface Entry {
  readonly endpoint: Endpoint;
  readonly names: readonly string[];
}

/** Who is called what on each network, and who has which address. */
export class NameIndex {
  readonly #byName = new Map<string, Set<Entry>>();
  readonly #byAddress = new Map<string, Entry>();
  readonly #entries = new Map<string, Entry>();

  set(endpoint: Endpoint): void {
    this.delete(endpoint.key);
    const names = dnsNames(endpoint).map((name) => name.toLowerCase());
    const entry = { endpoint, names };
    this.#entries.set(endpoint.key, entry);
    for (const name of names) {
      const key = `${endpoint.networkId} ${name}`;
      const entries = this.#byName.get(key) ?? new Set();
      this.#byName.set(key, entries.add(entry));
    }
    for (const address of addressesOf(endpoint)) this.#byAddress.set(`${endpoint.networkId} ${address}`, entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const { networkId } = entry.endpoint;
    for (const name of entry.names) {
      const entries = this.#byName.get(`${networkId} ${name}`);
      entries?.delete(entry);
      if (entries?.size === 0) this.#byName.delete(`${networkId} ${name}`);
    }
    for (const address of addressesOf(entry.endpoint)) {
      if (this.#byAddress.get(`${networkId} ${address}`) === entry) this.#byAddress.delete(`${networkId} ${address}`);
    }
  }

  /** The endpoints of a network that have a name (in lower case). */
  find(networkId: string, name: string): readonly Endpoint[] {
    return [...(this.#byName.get(`${networkId} ${name}`) ?? [])].map((entry) => entry.endpoint);
  }

  /** The endpoint of a network that has an address. */
  findAddress(networkId: string, address: string): Endpoint | undefined {
    return this.#byAddress.get(`${networkId} ${address}`)?.endpoint;
  }
}

function addressesOf(endpoint: Endpoint): readonly string[] {
  const { attachment } = endpoint;
  return [attachment?.ipv4?.address, attachment?.ipv6?.address].filter((address) => address !== undefined);
}
