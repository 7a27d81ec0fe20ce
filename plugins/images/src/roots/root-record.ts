import { type IdMapping, type IdRange, isMapped } from '../layer/unpack-job.ts';
import { type Digest, isDigest } from '../store/digest.ts';
import { asArray, asObject, asText, asTexts, asWhole, JsonShapeError } from '../store/json.ts';

/** A container's root: what it is made from, written down before reserve is answered. */
export interface RootRecord {
  /** The provider contract's name of it. */
  readonly object: string;
  readonly container: string;
  /** The image, pinned by id; its layers stay as long as this does, even when the image goes. */
  readonly image: Digest;
  /** Layers, lowest first. */
  readonly chains: readonly Digest[];
  readonly mapping: IdMapping | undefined;
}

export function encodeRootRecord(record: RootRecord): string {
  return JSON.stringify(record);
}

/** undefined for a text that is no record: the directory was being made when its process, or the host, died. */
export function decodeRootRecord(text: string | undefined): RootRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const record = asObject(JSON.parse(text), 'the record');
    return {
      object: asText(record['object'], 'object'),
      container: asText(record['container'], 'container'),
      image: digest(asText(record['image'], 'image')),
      chains: asTexts(record['chains'], 'chains').map(digest),
      mapping: record['mapping'] === undefined ? undefined : readMapping(record['mapping']),
    };
  } catch (error) {
    if (error instanceof JsonShapeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function digest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new JsonShapeError('no digest');
}

function readMapping(value: unknown): IdMapping | undefined {
  const mapping = asObject(value, 'mapping');
  const ranges = (key: string): IdRange[] =>
    asArray(mapping[key], key).map((item) => {
      const range = asObject(item, key);
      const number = (name: string): number => asWhole(range[name], name);
      return { containerId: number('containerId'), hostId: number('hostId'), size: number('size') };
    });
  const read = { uids: ranges('uids'), gids: ranges('gids') };
  return isMapped(read) ? read : undefined;
}
