import { CleatError } from '@cleat/schemas';

export type IpFamily = 4 | 6;

/** The four or sixteen bytes of an address in network order. */
export function addressBytes(address: string): Buffer {
  const bytes = address.includes(':') ? parseIpv6(address) : parseIpv4(address);
  if (bytes === undefined) {
    throw new CleatError('invalid_argument', 'NETLINK_ADDRESS_INVALID', `${address} is not an IP address`);
  }
  return bytes;
}

/** The address that four or sixteen bytes hold, as people write it. */
export function addressText(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : ipv6Text(bytes);
}

export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 6 : 4;
}

/** The six bytes of `02:42:ac:11:00:02`. */
export function macBytes(mac: string): Buffer {
  const parts = mac.split(/[:-]/);
  if (parts.length !== 6 || !parts.every((part) => /^[0-9a-f]{1,2}$/i.test(part))) {
    throw new CleatError('invalid_argument', 'NETLINK_MAC_INVALID', `${mac} is not a MAC address`);
  }
  return Buffer.from(parts.map((part) => Number.parseInt(part, 16)));
}

export function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function parseIpv4(address: string): Buffer | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined;
  return Buffer.from(parts.map(Number));
}

function parseIpv6(address: string): Buffer | undefined {
  const [text, ...zones] = address.split('%');
  if (text === undefined || zones.length > 0) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? '');
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '') : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const bytes = Buffer.alloc(16);
  head.forEach((group, index) => bytes.writeUInt16BE(group, index * 2));
  tail.forEach((group, index) => bytes.writeUInt16BE(group, (8 - tail.length + index) * 2));
  return bytes;
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.') && index === parts.length - 1) {
      const v4 = parseIpv4(part);
      if (v4 === undefined) return undefined;
      groups.push(v4.readUInt16BE(0), v4.readUInt16BE(2));
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** RFC 5952: lower case, no leading zeros, the longest run of zero groups (of at least two) shortened. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.start === -1) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}
