import { type Digest, isDigest } from '../store/digest.ts';
import { asObject, asText, asWhole, JsonShapeError } from '../store/json.ts';

/** A layer on top of those below it, unpacked. */
export interface Layer {
  readonly chain: Digest;
  /** The chain below; undefined for the lowest. */
  readonly parent: Digest | undefined;
  readonly diffId: Digest;
  /** The archive that it came from, as it came. */
  readonly blob: Digest;
  readonly contentBytes: number;
  readonly archiveBytes: number;
  /** Number of its short name: the options of a mount must fit into one page, also with 127 layers. */
  readonly link: number;
}

/** The record of a layer; undefined for none or one that was cut off by a power cut. */
export function readLayer(text: string | undefined): Layer | undefined {
  return readRecord(text, (record) => {
    const digest = (key: string): Digest => {
      const value = asText(record[key], key);
      if (!isDigest(value)) throw new JsonShapeError(`${key} is no digest`);
      return value;
    };
    const number = (key: string): number => asWhole(record[key], key);
    return {
      chain: digest('chain'),
      parent: record['parent'] === undefined ? undefined : digest('parent'),
      diffId: digest('diffId'),
      blob: digest('blob'),
      contentBytes: number('contentBytes'),
      archiveBytes: number('archiveBytes'),
      link: number('link'),
    };
  });
}

/** The number in the record of a shifted copy. */
export function readLink(text: string | undefined): number | undefined {
  return readRecord(text, (record) => asWhole(record['link'], 'link'));
}

function readRecord<T>(text: string | undefined, read: (record: Readonly<Record<string, unknown>>) => T): T | undefined {
  if (text === undefined) return undefined;
  try {
    return read(asObject(JSON.parse(text), 'the record of a layer'));
  } catch (error) {
    if (error instanceof JsonShapeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
