import { constants, openSync } from 'node:fs';
import { isIP } from 'node:net';
import { basename, dirname } from 'node:path';
import { CleatError } from '@cleat/schemas';
import { errnoOf, translated } from './errno.ts';
import { cPath } from './libc.ts';
import { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, bindSocket, closeDescriptor, connectSocket, localAddress } from './sockets.ts';

/** sun_path holds 108 bytes with its closing NUL. */
const UNIX_PATH_LIMIT = 107;

function unixAddress(path: string): Buffer {
  const bytes = Buffer.from(cPath(path));
  if (bytes.length > UNIX_PATH_LIMIT) {
    throw new CleatError('invalid_argument', 'SOCKET_PATH_TOO_LONG', `the socket's name ${basename(path)} is too long`);
  }
  const address = Buffer.alloc(2 + bytes.length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, 2);
  return address;
}

/** Gives `use` an address of at most 107 bytes: a longer path goes through a descriptor of its directory. */
function withUnixAddress(path: string, use: (address: Buffer) => void): void {
  if (Buffer.byteLength(path) <= UNIX_PATH_LIMIT) {
    use(unixAddress(path));
    return;
  }
  const directory = dirname(path);
  // O_PATH is not among Node's constants.
  const fd = translated(directory, () => openSync(directory, 0o10000000 | constants.O_DIRECTORY));
  try {
    use(unixAddress(`/proc/self/fd/${fd}/${basename(path)}`));
  } finally {
    closeDescriptor(fd);
  }
}

export function bindUnix(fd: number, path: string): void {
  withUnixAddress(path, (address) => {
    bindSocket(fd, address, path);
  });
}

export function connectUnix(fd: number, path: string): void {
  withUnixAddress(path, (address) => {
    connectSocket(fd, address, path);
  });
}

/** A netlink address: port 0 lets the kernel choose one, `groups` is the mask of multicast groups 1 to 32. */
export interface NetlinkAddress {
  readonly port?: number;
  readonly groups?: number;
}

function netlinkAddress({ port = 0, groups = 0 }: NetlinkAddress): Buffer {
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(port, 4);
  address.writeUInt32LE(groups, 8);
  return address;
}

export function bindNetlink(fd: number, address: NetlinkAddress = {}): void {
  bindSocket(fd, netlinkAddress(address), 'netlink');
}

/** Connects to the kernel (port 0), so that nobody else's datagrams arrive. */
export function connectNetlink(fd: number, address: NetlinkAddress = {}): void {
  connectSocket(fd, netlinkAddress(address), 'netlink');
}

/** AF_INET or AF_INET6 for a numeric address; a name is refused, since looking it up could block. */
export function addressFamily(host: string): number {
  const version = isIP(host);
  if (version === 4) return AF_INET;
  if (version === 6) return AF_INET6;
  throw new CleatError('invalid_argument', 'ADDRESS_INVALID', `${host} is not an IP address`);
}

/** A sockaddr_in or sockaddr_in6 for a numeric address. */
export function inetAddress(host: string, port: number): Buffer {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new CleatError('invalid_argument', 'ADDRESS_INVALID', `${port} is not a port`);
  }
  const isV4 = addressFamily(host) === AF_INET;
  const address = Buffer.alloc(isV4 ? 16 : 28);
  address.writeUInt16LE(isV4 ? AF_INET : AF_INET6, 0);
  address.writeUInt16BE(port, 2);
  if (isV4) address.set(host.split('.').map(Number), 4);
  else writeIpv6(host, address.subarray(8, 24));
  return address;
}

function writeIpv6(host: string, target: Buffer): void {
  if (host.includes('%')) throw new CleatError('invalid_argument', 'ADDRESS_INVALID', `${host} has a zone, which is not supported here`);
  const [head = '', tail] = host.split('::');
  const first = ipv6Words(head);
  const last = tail === undefined ? [] : ipv6Words(tail);
  const words = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  words.forEach((word, index) => target.writeUInt16BE(word, index * 2));
}

function ipv6Words(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

export function bindInet(fd: number, host: string, port: number): void {
  bindSocket(fd, inetAddress(host, port), `${host} port ${port}`);
}

/** The port that a TCP or UDP socket is bound to. */
export function localPort(fd: number): number {
  return localAddress(fd).readUInt16BE(2);
}

/** Begins a connection of a non-blocking socket; how it ends shows when the socket is used. */
export function connectInet(fd: number, host: string, port: number): void {
  try {
    connectSocket(fd, inetAddress(host, port), `${host} port ${port}`);
  } catch (error) {
    if (errnoOf(error) !== 'EINPROGRESS') throw error;
  }
}
