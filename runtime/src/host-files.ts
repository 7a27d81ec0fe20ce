import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { MergedContribution } from '@cleat/core/provision';
import type { common, containerTypes } from '@cleat/schemas';

/** Where the kernel's own files of a container lie. */
export interface HostFilePaths {
  /** Directory of all three. */
  readonly state: string;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly hostname: string;
}

const LOOPBACK = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'ff00::0\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

/** /etc/hosts of a container: the loopback names, the user's lines, then what contributions give. */
export function hostsText(spec: containerTypes.Spec, contributed: readonly string[]): string {
  return `${[...LOOPBACK, ...contributed, ...spec.hosts].join('\n')}\n`;
}

/** /etc/resolv.conf: the user's word, else a contribution's, else the host's without its loopback servers (as Docker). */
export function resolvText(user: common.Dns, contributed: common.Dns, host: string): string {
  const hasOwn = user.servers.length > 0 || contributed.servers.length > 0;
  if (!hasOwn && user.search.length === 0 && user.options.length === 0 && contributed.search.length === 0) return withoutLoopback(host);
  const fromHost = parseResolv(withoutLoopback(host));
  const servers = firstFilled(contributed.servers, user.servers, fromHost.servers);
  const search = firstFilled(user.search, contributed.search, fromHost.search).filter((name) => name !== '.');
  const options = firstFilled(user.options, contributed.options, fromHost.options);
  const lines = servers.map((server) => `nameserver ${server}`);
  if (search.length > 0) lines.push(`search ${search.join(' ')}`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}`);
  return `${lines.join('\n')}\n`;
}

function firstFilled(...lists: readonly (readonly string[])[]): readonly string[] {
  return lists.find((list) => list.length > 0) ?? [];
}

function withoutLoopback(text: string): string {
  const kept = text.split('\n').filter((line) => !/^\s*nameserver\s+(127\.|::1)/.test(line));
  const hasServer = kept.some((line) => /^\s*nameserver\s/.test(line));
  // As Docker does when nothing is left of the host's servers.
  return hasServer ? kept.join('\n') : ['nameserver 8.8.8.8', 'nameserver 8.8.4.4', ...kept].join('\n');
}

function parseResolv(text: string): common.Dns {
  const values = (key: string): string[] =>
    text.split('\n').flatMap((line) => {
      const [word, ...rest] = line.trim().split(/\s+/);
      return word === key ? rest : [];
    });
  return { servers: values('nameserver'), search: values('search'), options: values('options') };
}

/** Writes hosts, resolv.conf and hostname where the container finds them; again while it runs, in place. */
export async function writeHostFiles(paths: HostFilePaths, spec: containerTypes.Spec, merged: MergedContribution): Promise<void> {
  mkdirSync(paths.state, { recursive: true, mode: 0o711 });
  const isHostNetwork = spec.namespaces.network === 'host';
  const hostHosts = isHostNetwork ? await readOr('/etc/hosts', '') : undefined;
  const hosts =
    hostHosts === undefined ? hostsText(spec, merged.hosts) : `${hostHosts.trimEnd()}\n${spec.hosts.map((line) => `${line}\n`).join('')}`;
  const hostResolv = await readOr('/etc/resolv.conf', '');
  const resolv = isHostNetwork && spec.dns.servers.length === 0 ? hostResolv : resolvText(spec.dns, merged.dns, hostResolv);
  write(paths.hosts, hosts);
  write(paths.resolvConf, resolv);
  write(paths.hostname, `${spec.hostname}\n`);
}

/** The inode stays: it is bind-mounted into the running container. */
function write(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o644);
}

async function readOr(path: string, otherwise: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    // A host without the file has nothing to say.
    return otherwise;
  }
}
