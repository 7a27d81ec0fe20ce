import { readFileSync, readlinkSync } from 'node:fs';

/** The address of a listening socket that another process has made, as a Docker client writes it. */
export function listenerAddress(fd: number): string {
  const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? '';
  return unixAddress(inode) ?? tcpAddress(inode) ?? `fd://${fd}`;
}

/** Lines of /proc/net/unix: address, references, protocol, flags, type, state, inode, path. */
function unixAddress(inode: string): string | undefined {
  const path = rowsOf('/proc/net/unix').find((row) => row[6] === inode)?.[7];
  return path === undefined ? undefined : `unix://${path}`;
}

/** Lines of /proc/net/tcp: number, local address in hexadecimal, ..., the inode as the tenth. */
function tcpAddress(inode: string): string | undefined {
  for (const [file, show] of [
    ['/proc/net/tcp', ipv4],
    ['/proc/net/tcp6', ipv6],
  ] as const) {
    const [address = '', port = ''] =
      rowsOf(file)
        .find((row) => row[9] === inode)?.[1]
        ?.split(':') ?? [];
    if (address !== '') return `tcp://${show(address)}:${Number.parseInt(port, 16)}`;
  }
  return undefined;
}

function rowsOf(file: string): readonly (readonly string[])[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
}

/** Four bytes in the machine's order, which is little-endian wherever Cleat runs. */
function ipv4(hex: string): string {
  return [...Buffer.from(hex, 'hex').reverse()].join('.');
}

/** Four words of four bytes, each in the machine's order. */
function ipv6(hex: string): string {
  const words = [0, 8, 16, 24].map((at) =>
    Buffer.from(hex.slice(at, at + 8), 'hex')
      .reverse()
      .toString('hex'),
  );
  return `[${words.join('').replace(/(....)(?!$)/g, '$1:')}]`;
}
