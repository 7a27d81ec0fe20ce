import { CleatError } from '@cleat/schemas';
import { type Digest, isDigest } from './digest.ts';

/*
 * The grammar of image names, as every registry and Docker client knows it (the "distribution" reference grammar):
 * a canonical name is domain/path; the familiar one leaves out docker.io and library/.
 */
const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const NAME = `${DOMAIN}/${PATH_COMPONENT}(?:/${PATH_COMPONENT})*`;
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const REFERENCE = new RegExp(`^(${NAME})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const IDENTIFIER = /^[a-f0-9]{64}$/;

const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DOMAIN = 'index.docker.io';
const OFFICIAL_PREFIX = 'library/';
const DEFAULT_TAG = 'latest';
const NAME_LIMIT = 255;

/** A name of an image: repository, and what picks one image in it. */
export interface ImageReference {
  /** docker.io/library/busybox */
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

function invalid(text: string, why: string): CleatError {
  return new CleatError('invalid_argument', 'IMAGE_REFERENCE_INVALID', why, { details: { reference: text } });
}

/** Domain and the rest; a first component is a domain when it looks like a host. */
function splitDomain(text: string): [domain: string, rest: string] {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const isDomain = slash >= 0 && (first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first);
  const given = isDomain ? first : DEFAULT_DOMAIN;
  const domain = given === LEGACY_DOMAIN ? DEFAULT_DOMAIN : given;
  const rest = isDomain ? text.slice(slash + 1) : text;
  return [domain, domain === DEFAULT_DOMAIN && !rest.includes('/') ? OFFICIAL_PREFIX + rest : rest];
}

/** Reads a name as users write it. Errors: IMAGE_REFERENCE_INVALID. */
export function parseReference(text: string): ImageReference {
  if (IDENTIFIER.test(text)) {
    throw invalid(text, `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const [domain, rest] = splitDomain(text);
  const path = rest.split(/[:@]/, 1)[0] ?? '';
  if (path.toLowerCase() !== path) throw invalid(text, `invalid reference format: repository name (${path}) must be lowercase`);
  const match = REFERENCE.exec(`${domain}/${rest}`);
  const name = match?.[1];
  if (name === undefined) throw invalid(text, 'invalid reference format');
  if (name.length > NAME_LIMIT) throw invalid(text, `repository name must not be more than ${NAME_LIMIT} characters`);
  const digest = match?.[3];
  if (digest !== undefined && !isDigest(digest)) throw invalid(text, 'invalid reference format: only sha256 digests are supported');
  return { name, tag: match?.[2], digest };
}

/** With the tag "latest" where there is neither tag nor digest. */
export function withDefaultTag(reference: ImageReference): ImageReference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  return { ...reference, tag: DEFAULT_TAG };
}

/** A name for an image to have, with the tag "latest" unless it says another. Errors: IMAGE_REFERENCE_INVALID. */
export function parseTag(text: string): ImageReference {
  const reference = withDefaultTag(parseReference(text));
  if (reference.digest !== undefined) throw invalid(text, 'refusing to create a tag with a digest reference');
  return reference;
}

/** The name as users see it: without docker.io and library/. */
export function familiarName(name: string): string {
  if (!name.startsWith(`${DEFAULT_DOMAIN}/`)) return name;
  const path = name.slice(DEFAULT_DOMAIN.length + 1);
  const official = path.slice(OFFICIAL_PREFIX.length);
  return path.startsWith(OFFICIAL_PREFIX) && !official.includes('/') ? official : path;
}

function suffix(reference: ImageReference): string {
  return (reference.tag === undefined ? '' : `:${reference.tag}`) + (reference.digest === undefined ? '' : `@${reference.digest}`);
}

/** In full: docker.io/library/busybox:latest. */
export function canonicalText(reference: ImageReference): string {
  return reference.name + suffix(reference);
}

/** As users see it: busybox:latest. */
export function familiarText(reference: ImageReference): string {
  return familiarName(reference.name) + suffix(reference);
}

function closingBracket(pattern: string, from: number): number {
  for (let i = from; i < pattern.length; i += 1) {
    if (pattern[i] === '\\') i += 1;
    else if (pattern[i] === ']' && i > from) return i;
  }
  return -1;
}

/** A pattern of Go's path.Match as a regular expression: * and ? stop at a slash. */
function compilePattern(pattern: string): RegExp {
  const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  let source = '';
  for (let i = 0; i < pattern.length; i += 1) {
    const char = pattern[i] ?? '';
    if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '\\') source += escape(pattern[++i] ?? '\\');
    else if (char === '[') {
      const end = closingBracket(pattern, pattern[i + 1] === '^' ? i + 2 : i + 1);
      if (end < 0) throw invalid(pattern, `syntax error in pattern ${JSON.stringify(pattern)}`);
      source += `[${pattern.slice(i + 1, end).replace(/\[/g, '\\[')}]`;
      i = end;
    } else source += escape(char);
  }
  try {
    return new RegExp(`^${source}$`, 'u');
  } catch (error) {
    throw new CleatError('invalid_argument', 'IMAGE_PATTERN_INVALID', `syntax error in pattern ${JSON.stringify(pattern)}`, {
      cause: error,
    });
  }
}

/** What the filter "reference" accepts: the pattern fits name:tag, or the name alone. */
export function referenceMatcher(pattern: string): (reference: ImageReference) => boolean {
  const expression = compilePattern(pattern);
  return (reference) => expression.test(familiarText(reference)) || expression.test(familiarName(reference.name));
}
