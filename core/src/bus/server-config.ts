import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { MAX_MESSAGE_BYTES } from './limits.ts';

/** An outer NATS that the private server joins as a leaf. */
export interface LeafRemote {
  readonly url: string;
  /** A credentials file of the outer NATS, given by its administrator. */
  readonly credentialsFile?: string | undefined;
}

const LEAF_PROTOCOLS: readonly string[] = ['nats:', 'nats-leaf:', 'tls:', 'ws:', 'wss:'];

/** Throws `invalid_argument` `BUS_LEAF_INVALID`: the server would not start with such a remote, and the bus would be down for it. */
export function checkLeaf(leaf: LeafRemote): void {
  if (!URL.canParse(leaf.url) || !LEAF_PROTOCOLS.includes(new URL(leaf.url).protocol)) {
    // Without the URL in it, which may hold a password.
    throw new CleatError('invalid_argument', 'BUS_LEAF_INVALID', 'the URL of the outer NATS is not valid', {
      hint: 'give the leaf node address of that NATS, as nats-leaf://HOST:7422',
    });
  }
  const { credentialsFile } = leaf;
  if (credentialsFile === undefined) return;
  try {
    accessSync(credentialsFile, constants.R_OK);
  } catch (cause) {
    const what = `the credentials of the outer NATS cannot be read: ${credentialsFile}`;
    throw new CleatError('invalid_argument', 'BUS_LEAF_INVALID', what, { cause });
  }
}

export interface ServerConfig {
  /** Below it lie the config, `jwt/`, `jetstream/` and `ports/`. */
  readonly dir: string;
  readonly serverName: string;
  readonly operatorJwt: string;
  readonly systemKey: string;
  readonly outerKey: string;
  readonly leaf: LeafRemote | undefined;
  readonly maxFileStoreBytes: number;
}

/**
 * The text of the server's configuration; port -1 is any free one. Loopback only, no listener for routes, leaf nodes or
 * monitoring, no anonymous user. Nothing in it is ever reloaded: accounts come by `$SYS`.
 */
export function serverConfigText(config: ServerConfig, port: number): string {
  const { dir } = config;
  return `${[
    `server_name: ${quote(config.serverName)}`,
    'host: 127.0.0.1',
    `port: ${port}`,
    `ports_file_dir: ${quote(`${dir}/ports`)}`,
    `max_payload: ${MAX_MESSAGE_BYTES}`,
    'max_pending: 16MB',
    'write_deadline: "2s"',
    'ping_interval: "20s"',
    'ping_max: 2',
    // Go would otherwise wait ten seconds for clients that are told to go elsewhere; there is no elsewhere.
    'lame_duck_grace_period: "1s"',
    'lame_duck_duration: "30s"',
    `jetstream { store_dir: ${quote(`${dir}/jetstream`)}, max_file_store: ${config.maxFileStoreBytes}, max_memory_store: 16MB }`,
    `operator: ${config.operatorJwt}`,
    `system_account: ${config.systemKey}`,
    `resolver: { type: full, dir: ${quote(`${dir}/jwt`)}, allow_delete: true }`,
    ...leafLines(config),
  ].join('\n')}\n`;
}

/** What a running server must have been started with to be kept. The operator's statement differs in its date alone. */
export function configFingerprint(config: ServerConfig): string {
  const { leaf, systemKey, outerKey, maxFileStoreBytes, dir, serverName } = config;
  const parts = [MAX_MESSAGE_BYTES, leaf, systemKey, outerKey, maxFileStoreBytes, dir, serverName];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

function leafLines(config: ServerConfig): string[] {
  if (config.leaf === undefined) return [];
  const { url, credentialsFile } = config.leaf;
  const credentials = credentialsFile === undefined ? '' : `, credentials: ${quote(credentialsFile)}`;
  return [`leafnodes { remotes: [ { url: ${quote(url)}${credentials}, account: ${config.outerKey} } ] }`];
}

/** NATS config strings know the escapes of JSON. */
function quote(text: string): string {
  return JSON.stringify(text);
}
