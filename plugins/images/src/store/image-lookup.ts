import { CleatError, isCleatError } from '@cleat/schemas';
import { type Digest, digestHex, isDigest } from './digest.ts';
import type { ImageRecord, IndexState, IndexView } from './image-index.ts';
import { canonicalText, familiarText, type ImageReference, parseReference, withDefaultTag } from './reference.ts';

const HEX_ID = /^(?:sha256:)?([0-9a-f]{1,64})$/;

/** How the index writes a name. Where there is a digest the tag says nothing more. */
export function referenceKey(reference: ImageReference): string {
  return canonicalText(reference.digest === undefined ? withDefaultTag(reference) : { ...reference, tag: undefined });
}

/** Names of an image, in the order of their text. */
export function namesOf(index: IndexView, id: Digest): ImageReference[] {
  const texts = [...index.references].filter(([, owner]) => owner === id).map(([text]) => text);
  return texts.sort().map(parseReference);
}

/** The name that a text is, where the index has it; a full id or the prefix of one is none. Errors: IMAGE_REFERENCE_INVALID. */
export function findName(index: IndexView, text: string): ImageReference | undefined {
  if (isDigest(withAlgorithm(text))) return undefined;
  let reference: ImageReference;
  try {
    reference = parseReference(text);
  } catch (error) {
    // "sha256:abc" is no name, and may be the beginning of an id.
    if (HEX_ID.test(text) && isCleatError(error)) return undefined;
    throw error;
  }
  const key = referenceKey(reference);
  return index.references.has(key) ? parseReference(key) : undefined;
}

/** The image that a full id, a name, or a prefix of an id means, tried in this order. Errors: IMAGE_REFERENCE_INVALID. */
export function findImage(index: IndexView, text: string): ImageRecord | undefined {
  const full = withAlgorithm(text);
  if (isDigest(full)) return index.images.get(full);
  const name = findName(index, text);
  const owner = name === undefined ? undefined : index.references.get(referenceKey(name));
  if (owner !== undefined) return index.images.get(owner);
  const hex = HEX_ID.exec(text)?.[1];
  if (hex === undefined) return undefined;
  const matching = [...index.images.values()].filter((record) => digestHex(record.id).startsWith(hex));
  // More than one is as good as none, as with Docker.
  return matching.length === 1 ? matching[0] : undefined;
}

function withAlgorithm(text: string): string {
  return text.startsWith('sha256:') ? text : `sha256:${text}`;
}

/** Errors: IMAGE_NOT_FOUND, IMAGE_REFERENCE_INVALID. */
export function requireImage(index: IndexView, text: string): ImageRecord {
  const found = findImage(index, text);
  if (found !== undefined) return found;
  throw new CleatError('not_found', 'IMAGE_NOT_FOUND', `No such image: ${shownReference(text)}`, {
    hint: 'List what is there with "docker images"; load or pull the image first.',
    details: { reference: text },
  });
}

/** As Docker shows it: with the tag that was meant. */
function shownReference(text: string): string {
  if (HEX_ID.test(text)) return text;
  return familiarText(withDefaultTag(parseReference(text)));
}

/** Gives an image a name, taking it from the one that had it. */
export function setName(draft: IndexState, record: ImageRecord, name: ImageReference): ImageRecord {
  const tagged: ImageRecord = { ...record, taggedAt: new Date().toISOString() };
  draft.images.set(record.id, tagged);
  draft.references.set(referenceKey(name), record.id);
  return tagged;
}
