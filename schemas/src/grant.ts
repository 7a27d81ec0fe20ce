import { CleatError } from './errors.ts';
import { askedGrant, type Grant, type Manifest } from './manifest.ts';

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
