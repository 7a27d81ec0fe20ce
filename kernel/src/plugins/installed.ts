import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Grant, Manifest } from '@cleat/schemas';
import { askedGrant, CleatError } from '@cleat/schemas';

/** A plugin that is installed: what it is, what it may do, and how it is started. */
export interface InstalledPlugin {
  readonly manifest: Manifest;
  readonly grant: Grant;
  readonly enabled: boolean;
  /** default: part of the platform's configuration; third-party: installed by a user. */
  readonly origin: 'default' | 'third-party';
  /** Plugins with the same group share a process. */
  readonly group: string;
  /** Module of a default plugin, or the directory of an installed one. */
  readonly location: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;
const LISTS = ['services', 'intercepts', 'uses'] as const;

/** Reads and checks a manifest. Throws `invalid_argument` MANIFEST_INVALID that names the fault. */
export function readManifest(directory: string): Manifest {
  const path = join(directory, 'manifest.json');
  if (!existsSync(path)) throw new CleatError('not_found', 'MANIFEST_MISSING', `${directory} has no manifest.json`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CleatError('invalid_argument', 'MANIFEST_INVALID', `${path} is not JSON`, { cause });
  }
  return checkManifest(value, path);
}

/** The value as a manifest, checked by hand: the few rules on which everything else stands. */
export function checkManifest(value: unknown, where: string): Manifest {
  const fail = (fault: string): never => {
    throw new CleatError('invalid_argument', 'MANIFEST_INVALID', `the manifest ${where} is not valid: ${fault}`);
  };
  if (!isRecord(value)) return fail('it is not an object');
  if (value['cleat'] !== 1) fail('"cleat" must be 1: a newer format needs a newer Cleat');
  if (typeof value['name'] !== 'string' || !NAME.test(value['name'])) fail('"name" must be [a-z0-9][a-z0-9-]*, at most 40 characters');
  if (typeof value['version'] !== 'string' || !/^\d+\.\d+\.\d+/.test(value['version'])) fail('"version" must be a semantic version');
  if (!isRecord(value['contracts'])) fail('"contracts" must map each contract to a list of versions');
  for (const [contract, versions] of Object.entries(isRecord(value['contracts']) ? value['contracts'] : {})) {
    if (!isStringList(versions) || versions.some((version) => !/^\d+\.\d+$/.test(version))) fail(`"contracts.${contract}" must be a list of versions like "1.0"`);
  }
  for (const key of LISTS) if (value[key] !== undefined && !isStringList(value[key])) fail(`"${key}" must be a list of strings`);
  for (const key of ['provides', 'drives'] as const) {
    const list = value[key];
    if (list === undefined) continue;
    if (!Array.isArray(list) || !list.every((entry) => isRecord(entry) && typeof entry['kind'] === 'string')) fail(`"${key}" must be a list of objects with a kind`);
  }
  // Every field that the kernel acts on was looked at above; the rest is the plugin's own affair.
  return value as unknown as Manifest;
}

/** The grant that a user accepted, within what the manifest asks for; everything asked for when nothing is given. */
export function acceptedGrant(manifest: Manifest, accepted: string): Grant {
  const asked = askedGrant(manifest);
  if (accepted === '') return asked;
  const value: unknown = JSON.parse(accepted);
  if (!isRecord(value)) throw new CleatError('invalid_argument', 'GRANT_INVALID', 'a grant is a JSON object');
  const within = (key: 'uses' | 'intercepts' | 'publishes' | 'consumes' | 'mountRoots'): readonly string[] => {
    const list = value[key];
    return isStringList(list) ? asked[key].filter((entry) => list.includes(entry)) : asked[key];
  };
  const parts = value['contribution'];
  return {
    uses: within('uses'),
    intercepts: within('intercepts'),
    publishes: within('publishes'),
    consumes: within('consumes'),
    mountRoots: within('mountRoots'),
    contribution: isStringList(parts) ? asked.contribution.filter((part) => parts.includes(part)) : asked.contribution,
    durable: asked.durable && value['durable'] !== false,
    speakFor: asked.speakFor && value['speakFor'] !== false,
  };
}

/** "$STATE" in a grant's mount roots is the plugin's own state directory; "$RUN" its run directory. */
export function resolvedGrant(grant: Grant, directories: { readonly state: string; readonly run: string }): Grant {
  const resolve = (root: string): string => root.replace(/^\$STATE(?=\/|$)/, directories.state).replace(/^\$RUN(?=\/|$)/, directories.run);
  return { ...grant, mountRoots: grant.mountRoots.map(resolve) };
}

/** Addresses that a plugin answers. */
export function addressesOf(manifest: Manifest): readonly string[] {
  const provided = (manifest.provides ?? []).map(({ kind }) => `provider.${kind}`);
  const driven = (manifest.drives ?? []).map(({ kind, name }) => `provider.${kind}-driver.${name}`);
  const judged = (manifest.intercepts ?? []).length > 0 ? [`interceptor.${manifest.name}`] : [];
  return [...(manifest.services ?? []), ...provided, ...driven, ...judged];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
