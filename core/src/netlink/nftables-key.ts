import { CleatError } from '@cleat/schemas';
import { addressBytes } from './address.ts';

const INTERFACE_NAME_BYTES = 16;
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** One part of a key or of a map's value. Parts behind one another make a concatenation (`inet_proto . inet_service`). */
export type KeyPart =
  | { readonly type: 'interface'; readonly name: string }
  | { readonly type: 'address'; readonly address: string }
  | { readonly type: 'protocol'; readonly protocol: string }
  | { readonly type: 'port'; readonly port: number };

/** A subnet's first and last address, for sets of intervals. */
export interface AddressRange {
  readonly first: Buffer;
  readonly last: Buffer;
}

export const key = {
  interface: (name: string): KeyPart => ({ type: 'interface', name }),
  address: (address: string): KeyPart => ({ type: 'address', address }),
  protocol: (protocol: string): KeyPart => ({ type: 'protocol', protocol }),
  port: (port: number): KeyPart => ({ type: 'port', port }),
};

/** The number of an IP protocol by its name. */
export function protocolNumber(name: string): number {
  const number = PROTOCOLS[name];
  if (number === undefined) throw new CleatError('invalid_argument', 'NETLINK_PROTOCOL_UNKNOWN', `${name} is not tcp, udp or sctp`);
  return number;
}

/** The bytes of a key as sets hold them: each part of a concatenation padded to four bytes, a lone part not. */
export function keyBytes(parts: readonly KeyPart[]): Buffer {
  const encoded = parts.map(partBytes);
  if (encoded.length === 1) return encoded[0] ?? Buffer.alloc(0);
  return Buffer.concat(encoded.map(padded));
}

/** First and last address of a subnet. */
export function subnetRange(address: string, prefixLength: number): AddressRange {
  const first = Buffer.from(addressBytes(address));
  const last = Buffer.from(first);
  for (let bit = prefixLength; bit < first.length * 8; bit += 1) {
    const mask = 0x80 >> (bit & 7);
    first[bit >> 3] = (first[bit >> 3] ?? 0) & ~mask;
    last[bit >> 3] = (last[bit >> 3] ?? 0) | mask;
  }
  return { first, last };
}

function partBytes(part: KeyPart): Buffer {
  switch (part.type) {
    case 'interface': {
      const name = Buffer.alloc(INTERFACE_NAME_BYTES);
      name.write(part.name, 0, INTERFACE_NAME_BYTES - 1);
      return name;
    }
    case 'address':
      return addressBytes(part.address);
    case 'protocol':
      return Buffer.from([protocolNumber(part.protocol)]);
    case 'port':
      return Buffer.from([part.port >> 8, part.port & 0xff]);
  }
}

function padded(bytes: Buffer): Buffer {
  const rest = bytes.length % 4;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - rest)]);
}
