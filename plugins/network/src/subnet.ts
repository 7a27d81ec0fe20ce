import { CleatError } from '@cleat/schemas';
import type { IpFamily } from '@cleat/sdk/netlink';
import { addressBytes, addressText, familyOf } from '@cleat/sdk/netlink';

/** A run of addresses that begins at a multiple of its size. Addresses are counted as whole numbers. */
export interface Subnet {
  readonly family: IpFamily;
  readonly base: bigint;
  readonly prefixLength: number;
  readonly size: bigint;
}

export function addressNumber(address: string): bigint {
  return BigInt(`0x${addressBytes(address).toString('hex')}`);
}

export function numberAddress(family: IpFamily, number: bigint): string {
  const digits = family === 4 ? 8 : 32;
  return addressText(Buffer.from(number.toString(16).padStart(digits, '0'), 'hex'));
}

/** The subnet of `172.18.0.0/16`. Bits behind the prefix are cleared: `172.18.0.1/16` is the same subnet. */
export function parseSubnet(text: string): Subnet {
  const [address, length, ...rest] = text.split('/');
  if (address === undefined || length === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length)) throw invalid(text);
  const family = familyOf(address);
  const bits = family === 4 ? 32 : 128;
  const prefixLength = Number(length);
  if (prefixLength > bits) throw invalid(text);
  const size = 1n << BigInt(bits - prefixLength);
  const number = numberIn(address, text);
  return { family, base: number - (number % size), prefixLength, size };
}

export function subnetText(subnet: Subnet): string {
  return `${numberAddress(subnet.family, subnet.base)}/${subnet.prefixLength}`;
}

export function contains(subnet: Subnet, address: string): boolean {
  if (familyOf(address) !== subnet.family) return false;
  const number = addressNumber(address);
  return number >= subnet.base && number < subnet.base + subnet.size;
}

export function encloses(outer: Subnet, inner: Subnet): boolean {
  return outer.family === inner.family && inner.base >= outer.base && inner.base + inner.size <= outer.base + outer.size;
}

export function overlaps(left: Subnet, right: Subnet): boolean {
  return left.family === right.family && left.base < right.base + right.size && right.base < left.base + left.size;
}

/** One address written the one way that all comparisons use. */
export function canonicalAddress(address: string): string {
  return numberAddress(familyOf(address), addressNumber(address));
}

function numberIn(address: string, text: string): bigint {
  try {
    return addressNumber(address);
  } catch (error) {
    throw invalid(text, error);
  }
}

function invalid(text: string, cause?: unknown): CleatError {
  return new CleatError('invalid_argument', 'NETWORK_SUBNET_INVALID', `invalid CIDR address: ${text}`, { cause });
}
