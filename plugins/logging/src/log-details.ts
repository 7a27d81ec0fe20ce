import type { container } from '@cleat/schemas';
import { logTag } from './log-tag.ts';

/** What of a container goes with each of its lines, as the driver's options name it: labels, variables of its environment, a tag. */
export function logAttributes(options: Readonly<Record<string, string>>, info: container.Info): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  const { labels, process } = info.spec;
  const env = process.env.map(splitVariable);
  pick(attributes, Object.entries(labels), options['labels'], options['labels-regex']);
  pick(attributes, env, options['env'], options['env-regex']);
  const tag = logTag(options['tag'] ?? '', {
    id: info.id,
    name: info.name,
    imageId: imageIdOf(info),
    imageName: info.attributes['image'] ?? '',
  });
  if (tag !== '') attributes.set('tag', tag);
  return attributes;
}

/** Docker's form of them ahead of a line: sorted, escaped as in a query. */
export function detailsText(attributes: ReadonlyMap<string, string>): string {
  return [...attributes]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => `${queryEscaped(key)}=${queryEscaped(value)}`)
    .join(',');
}

function pick(
  attributes: Map<string, string>,
  entries: readonly (readonly [string, string])[],
  names: string | undefined,
  pattern: string | undefined,
): void {
  const wanted = new Set(names?.split(',').map((name) => name.trim()));
  const regex = pattern === undefined || pattern === '' ? undefined : new RegExp(pattern);
  for (const [key, value] of entries) if (wanted.has(key) || regex?.test(key) === true) attributes.set(key, value);
}

function splitVariable(line: string): readonly [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

/** The id that the provider of the root file system has pinned. */
function imageIdOf(info: container.Info): string {
  const status = info.claims.find(({ claim }) => claim.kind === 'root')?.status ?? '';
  const value: unknown = status === '' ? {} : JSON.parse(status);
  return typeof value === 'object' && value !== null && 'image' in value && typeof value.image === 'string' ? value.image : '';
}

/** url.QueryEscape of Go: letters, digits and -_.~ stay, a blank is a plus. */
function queryEscaped(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
