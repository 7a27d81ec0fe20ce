import { AddressPool } from './address-pool.ts';
import type { AssignedAddress, Endpoint, NetworkDefinition } from './model.ts';
import { contains, parseSubnet } from './subnet.ts';

/** Which addresses of which network are taken. */
export class AddressBook {
  readonly #pools = new Map<string, readonly Pool[]>();

  /** (Re)builds the pools of a network and takes what its endpoints have. */
  open(network: NetworkDefinition, endpoints: readonly Endpoint[]): void {
    const pools = network.pools.map((definition) => ({ pool: new AddressPool(definition), gateway: definition.gateway }));
    this.#pools.set(network.id, pools);
    for (const endpoint of endpoints) {
      const held = [endpoint.options.ipv4, endpoint.options.ipv6, endpoint.attachment?.ipv4?.address, endpoint.attachment?.ipv6?.address];
      for (const address of new Set(held)) {
        if (address !== undefined) findPool(pools, address)?.pool.keep(address);
      }
    }
  }

  close(networkId: string): void {
    this.#pools.delete(networkId);
  }

  /** Holds an address that the user named. */
  claim(networkId: string, address: string): void {
    const pools = this.#pools.get(networkId) ?? [];
    (findPool(pools, address) ?? pools[0])?.pool.claim(address);
  }

  /** The address of a family for an endpoint: the one it holds, or the next free one; undefined when the network has none of the family. */
  assign(networkId: string, family: 4 | 6, held: string | undefined): AssignedAddress | undefined {
    const pools = (this.#pools.get(networkId) ?? []).filter(({ pool }) => pool.subnet.family === family);
    const [first] = pools;
    if (first === undefined) return undefined;
    const chosen = held === undefined ? first : (findPool(pools, held) ?? first);
    const address = held ?? chosen.pool.take();
    return { address, prefixLength: chosen.pool.subnet.prefixLength, gateway: chosen.gateway };
  }

  giveBack(networkId: string, address: string): void {
    findPool(this.#pools.get(networkId) ?? [], address)?.pool.giveBack(address);
  }
}

interface Pool {
  readonly pool: AddressPool;
  readonly gateway: string;
}

function findPool(pools: readonly Pool[], address: string): Pool | undefined {
  return pools.find(({ pool }) => contains(pool.subnet, address));
}

/** Whether a pool of the network has room for the address. */
export function isInNetwork(network: NetworkDefinition, address: string): boolean {
  return network.pools.some((pool) => contains(parseSubnet(pool.subnet), address));
}
