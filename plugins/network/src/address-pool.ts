import { CleatError } from '@cleat/schemas';
import type { Subnet } from './subnet.ts';
import { addressNumber, contains, numberAddress, parseSubnet, subnetText } from './subnet.ts';

/** What a network says of one of its subnets. */
export interface PoolDefinition {
  readonly subnet: string;
  /** Only addresses of this part are given out by themselves; empty: of all. */
  readonly range: string;
  readonly gateway: string;
  /** Addresses that other machines on the network have, by their names. */
  readonly auxiliary: Readonly<Record<string, string>>;
}

/**
 * The addresses of one subnet. An address just given back is not given out again at once, so that neighbours do not
 * meet another container under an address that they know (dockerd's order too).
 */
export class AddressPool {
  readonly subnet: Subnet;
  readonly #window: Subnet;
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #taken = new Set<bigint>();
  #next: bigint;

  constructor(definition: PoolDefinition) {
    this.subnet = parseSubnet(definition.subnet);
    this.#window = definition.range === '' ? this.subnet : parseSubnet(definition.range);
    // The network's own address and the broadcast address belong to nobody; a /31 and a /32 have neither.
    const isSmall = this.subnet.size <= 2n;
    this.#first = isSmall ? this.subnet.base : this.subnet.base + 1n;
    const end = this.subnet.base + this.subnet.size - 1n;
    this.#last = isSmall || this.subnet.family === 6 ? end : end - 1n;
    this.#next = this.#windowStart();
    for (const address of [definition.gateway, ...Object.values(definition.auxiliary)]) {
      if (address !== '') this.#taken.add(addressNumber(address));
    }
  }

  get takenCount(): number {
    return this.#taken.size;
  }

  /** Takes the next free address. */
  take(): string {
    const start = this.#windowStart();
    const end = min(this.#window.base + this.#window.size - 1n, this.#last);
    const count = end - start + 1n;
    for (let tried = 0n; tried < count; tried += 1n) {
      const candidate = this.#next < start || this.#next > end ? start : this.#next;
      this.#next = candidate + 1n;
      if (!this.#taken.has(candidate)) {
        this.#taken.add(candidate);
        return numberAddress(this.subnet.family, candidate);
      }
    }
    throw new CleatError(
      'resource_exhausted',
      'NETWORK_ADDRESS_POOL_EMPTY',
      `no available IPv${this.subnet.family} addresses on this network's address pools: ${subnetText(this.subnet)}`,
      { hint: 'Remove containers from the network, or make a network with a larger subnet.' },
    );
  }

  /** Takes a given address. */
  claim(address: string): void {
    const number = addressNumber(address);
    if (!contains(this.subnet, address)) {
      throw new CleatError(
        'invalid_argument',
        'NETWORK_ADDRESS_OUTSIDE',
        `invalid address ${address}: It does not belong to any of this network's subnets`,
      );
    }
    if (number < this.#first || number > this.#last || this.#taken.has(number)) {
      throw new CleatError('conflict', 'NETWORK_ADDRESS_IN_USE', `Address already in use: ${address}`);
    }
    this.#taken.add(number);
  }

  /** Takes an address that was given out before, whatever the pool has come to. */
  keep(address: string): void {
    this.#taken.add(addressNumber(address));
  }

  /** Gives an address back; one that is free already is fine. */
  giveBack(address: string): void {
    this.#taken.delete(addressNumber(address));
  }

  #windowStart(): bigint {
    return this.#window.base > this.#first ? this.#window.base : this.#first;
  }
}

function min(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

/** The pool with every choice made: the gateway is the first address unless the user names one. Refuses what does not fit together. */
export function completePool(pool: PoolDefinition): PoolDefinition {
  const subnet = parseSubnet(pool.subnet);
  const inSubnet = (address: string, what: string): void => {
    if (!contains(subnet, address)) {
      throw new CleatError('invalid_argument', 'NETWORK_POOL_INVALID', `${what} ${address} is not in the subnet ${subnetText(subnet)}`);
    }
  };
  if (pool.range !== '') {
    const range = parseSubnet(pool.range);
    if (range.family !== subnet.family || range.base < subnet.base || range.base + range.size > subnet.base + subnet.size) {
      throw new CleatError(
        'invalid_argument',
        'NETWORK_POOL_INVALID',
        `the range ${pool.range} is not in the subnet ${subnetText(subnet)}`,
      );
    }
  }
  for (const [name, address] of Object.entries(pool.auxiliary)) inSubnet(address, `the auxiliary address ${name}`);
  if (pool.gateway !== '') inSubnet(pool.gateway, 'the gateway');
  if (subnet.family === 4 && subnet.prefixLength > 30 && pool.gateway === '') {
    throw new CleatError(
      'invalid_argument',
      'NETWORK_POOL_INVALID',
      `the subnet ${subnetText(subnet)} has no room for a gateway and a container`,
    );
  }
  const gateway = pool.gateway === '' ? firstFree(subnet, pool) : numberAddress(subnet.family, addressNumber(pool.gateway));
  return { subnet: subnetText(subnet), range: pool.range, gateway, auxiliary: pool.auxiliary };
}

/** The first address of the range, or of the subnet, that is not an auxiliary one. */
function firstFree(subnet: Subnet, pool: PoolDefinition): string {
  const probe = new AddressPool({ subnet: subnetText(subnet), range: pool.range, gateway: '', auxiliary: pool.auxiliary });
  return probe.take();
}
