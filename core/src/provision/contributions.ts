import { realpathSync } from 'node:fs';
import { isAbsolute, normalize } from 'node:path';
import type { ContributionPart, common, Grant, providerTypes } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';

/** A contribution with who gave it. */
export interface GivenContribution {
  readonly claim: string;
  readonly plugin: string;
  readonly contribution: providerTypes.Contribution;
}

/** All contributions put together, checked. */
export interface MergedContribution {
  readonly root: providerTypes.Root | undefined;
  readonly mounts: readonly providerTypes.Mount[];
  readonly devices: readonly common.Device[];
  readonly environment: readonly string[];
  readonly hosts: readonly string[];
  readonly dns: common.Dns;
  readonly hooks: readonly providerTypes.Hook[];
  readonly annotations: Readonly<Record<string, string>>;
}

const NO_DNS: common.Dns = { servers: [], search: [], options: [] };

/** Which parts of a contribution are used. */
export function partsOf(contribution: providerTypes.Contribution): readonly ContributionPart[] {
  const parts: ContributionPart[] = [];
  if (contribution.root !== null) parts.push('root');
  if (contribution.mounts.length > 0) parts.push('mounts');
  if (contribution.devices.length > 0) parts.push('devices');
  if (contribution.environment.length > 0) parts.push('environment');
  if (contribution.hosts.length > 0) parts.push('hosts');
  if (contribution.dns !== null) parts.push('dns');
  if (contribution.hooks.length > 0) parts.push('hooks');
  if (Object.keys(contribution.annotations).length > 0) parts.push('annotations');
  if (contribution.log !== null) parts.push('log');
  return parts;
}

/** Refuses what the grant of the plugin does not list. Throws `permission_denied` CONTRIBUTION_NOT_GRANTED, naming plugin and part. */
export function checkGrant(given: GivenContribution, grant: Grant): void {
  const { contribution, plugin } = given;
  const beyond = partsOf(contribution).find((part) => !grant.contribution.includes(part));
  if (beyond !== undefined) throw refused(given, `gave ${beyond}, which it is not granted`);
  for (const source of sourcesOf(contribution)) {
    // Also where its links lead: the runtime follows them.
    if (isBelow(source, grant.mountRoots) && isBelow(resolved(source), grant.mountRoots.map(resolved))) continue;
    throw refused(
      given,
      `gave a mount of ${source}, which lies outside of what it is granted (${grant.mountRoots.join(', ') || 'nothing'})`,
    );
  }
  const badLine = [...contribution.hosts, ...contribution.environment].find((line) => /[\n\0]/.test(line));
  if (badLine !== undefined) throw refused(given, `gave a line with a line break in it`);
  const badName = contribution.environment.find((line) => !/^[^=]+=/.test(line));
  if (badName !== undefined) throw refused(given, `gave an environment entry without a name: ${badName} (${plugin})`);
}

function sourcesOf(contribution: providerTypes.Contribution): readonly string[] {
  const root = contribution.root;
  const mounts = contribution.mounts.filter((mount) => mount.type === 'bind').map((mount) => mount.source);
  if (root === null) return mounts;
  return [...mounts, ...root.lower, ...[root.source, root.upper, root.work].filter((path) => path !== '')];
}

function isBelow(path: string, roots: readonly string[]): boolean {
  if (!isAbsolute(path) || normalize(path) !== path) return false;
  return roots.some((root) => path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`));
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It is not there: mounting it will fail.
    return path;
  }
}

function refused(given: GivenContribution, what: string): CleatError {
  return new CleatError('permission_denied', 'CONTRIBUTION_NOT_GRANTED', `plugin ${given.plugin}, for the claim ${given.claim}, ${what}`, {
    plugin: given.plugin,
  });
}

/** Puts contributions together. Two providers never set one field; what the user mounts himself (`userTargets`) wins over a contribution. */
export function merge(given: readonly GivenContribution[], userTargets: ReadonlySet<string>): MergedContribution {
  const root = single(given, 'root', ({ root: value }) => value ?? undefined);
  const mounts = distinct(
    given,
    ({ mounts: list }) => list,
    (mount) => mount.target,
    'a mount at',
  ).filter((mount) => !userTargets.has(mount.target));
  const devices = distinct(
    given,
    ({ devices: list }) => list,
    (device) => device.containerPath,
    'a device at',
  );
  const environment = distinct(
    given,
    ({ environment: list }) => list,
    (line) => line.split('=')[0] ?? '',
    'the variable',
  );
  const annotations = distinct(
    given,
    ({ annotations: map }) => Object.entries(map),
    ([name]) => name,
    'the annotation',
  );
  return {
    root,
    mounts,
    devices,
    environment,
    hosts: given.flatMap(({ contribution }) => contribution.hosts),
    dns: single(given, 'dns', ({ dns }) => dns ?? undefined) ?? NO_DNS,
    hooks: given.flatMap(({ contribution }) => contribution.hooks),
    annotations: Object.fromEntries(annotations),
  };
}

function single<T>(
  given: readonly GivenContribution[],
  part: string,
  pick: (contribution: providerTypes.Contribution) => T | undefined,
): T | undefined {
  const setters = given.flatMap((entry) => {
    const value = pick(entry.contribution);
    return value === undefined ? [] : [{ entry, value }];
  });
  // Several networks each know name servers: the first one, eth0, is asked first.
  const [first, second] = setters;
  if (second !== undefined && part === 'root') throw clash(first?.entry, second.entry, 'the root file system');
  return first?.value;
}

function distinct<T>(
  given: readonly GivenContribution[],
  pick: (contribution: providerTypes.Contribution) => readonly T[],
  keyOf: (item: T) => string,
  what: string,
): readonly T[] {
  const setters = new Map<string, GivenContribution>();
  return given.flatMap((entry) =>
    pick(entry.contribution).map((item) => {
      const key = keyOf(item);
      const before = setters.get(key);
      if (before !== undefined) throw clash(before, entry, `${what} ${key}`);
      setters.set(key, entry);
      return item;
    }),
  );
}

function clash(first: GivenContribution | undefined, second: GivenContribution, what: string): CleatError {
  return new CleatError(
    'conflict',
    'CONTRIBUTION_CLASH',
    `the claims ${first?.claim ?? ''} (${first?.plugin ?? ''}) and ${second.claim} (${second.plugin}) both set ${what}`,
    { plugin: second.plugin },
  );
}
