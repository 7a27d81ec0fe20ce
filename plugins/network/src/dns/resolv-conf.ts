import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { DnsOptions } from '../claim-options.ts';

const HOST_FILE = '/etc/resolv.conf';
/** systemd-resolved keeps the real servers here while /etc/resolv.conf names its own stub. */
const RESOLVED_FILE = '/run/systemd/resolve/resolv.conf';
const RESOLVED_STUB = '127.0.0.53';
/** What a container without any name server gets, as in Docker. */
const PUBLIC_SERVERS = ['8.8.8.8', '8.8.4.4'];

/** The host's settings, all of its servers included. Read anew each time: the host may move between networks. */
export async function hostDns(): Promise<DnsOptions> {
  return parse(await readOrEmpty(HOST_FILE));
}

/** The host's settings as a container can use them: what listens on the host's loopback is not reachable from there. */
export async function containerDns(): Promise<DnsOptions> {
  let dns = await hostDns();
  if (dns.servers.length === 1 && dns.servers[0] === RESOLVED_STUB) {
    const resolved = parse(await readOrEmpty(RESOLVED_FILE));
    if (resolved.servers.length > 0) dns = { ...dns, servers: resolved.servers };
  }
  const servers = dns.servers.filter((server) => !isLoopback(server));
  return { ...dns, servers: servers.length > 0 ? servers : PUBLIC_SERVERS };
}

/** resolv.conf(5): a later search or domain line replaces the earlier one. */
export function parse(text: string): DnsOptions {
  const servers: string[] = [];
  let search: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined && isIP(values[0]) !== 0) servers.push(values[0]);
    if (keyword === 'search' || keyword === 'domain') search = values;
    if (keyword === 'options') options = values;
  }
  return { servers, search, options };
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** A server on the host's loopback, which a container cannot reach. */
export function isLoopback(server: string): boolean {
  return server.startsWith('127.') || server === '::1';
}
