import { ByteQueue } from './byte-queue.ts';
import { BLOCK_BYTES, decodeHeader, decodePax, type RawHeader, tarError } from './tar-header.ts';
import { isSparse, readSparseMap, type SparseMap } from './tar-sparse.ts';

/*
 * Why not a library: an extended attribute (security.capability) is binary and a file name any bytes but NUL and slash;
 * the readers for Node decode both as UTF-8 and so destroy them, and none reads sparse files.
 */

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character-device' | 'block-device' | 'fifo';

/** An entry with everything its extended headers said applied. Names are latin1, one character a byte. */
export interface TarEntry {
  readonly type: TarEntryType;
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** Size of the file that it makes; of a sparse file more than the archive holds. */
  readonly sizeBytes: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
  readonly sparse: SparseMap | undefined;
}

/** A piece of a file and where in it the piece belongs. */
export interface TarPiece {
  readonly offset: number;
  readonly data: Buffer;
}

const TYPES: ReadonlyMap<string, TarEntryType> = new Map([
  ['0', 'file'],
  ['\0', 'file'],
  ['7', 'file'],
  ['S', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'character-device'],
  ['4', 'block-device'],
  ['5', 'directory'],
  ['6', 'fifo'],
]);
const PAX_LIMIT_BYTES = 4 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;
const XATTR_PREFIX = 'SCHILY.xattr.';

interface Extensions {
  readonly pax: ReadonlyMap<string, Buffer>;
  readonly longName: string | undefined;
  readonly longLink: string | undefined;
}

function decimal(value: Buffer | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  const number = Number(value.toString('latin1'));
  if (!Number.isFinite(number)) throw tarError('IMAGE_ARCHIVE_CORRUPT', 'the archive is corrupt: an extended header holds no number');
  return number;
}

/** A time with a fraction of any length, kept to the nanosecond. */
function nanoseconds(value: Buffer | undefined, fallbackS: number): bigint {
  const text = value?.toString('latin1') ?? String(fallbackS);
  const match = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text);
  if (match === null) throw tarError('IMAGE_ARCHIVE_CORRUPT', 'the archive is corrupt: an extended header holds no time');
  const whole = BigInt(match[2] ?? '0') * 1_000_000_000n + BigInt((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  return match[1] === '-' ? -whole : whole;
}

function xattrsOf(pax: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  const xattrs = new Map<string, Buffer>();
  for (const [key, value] of pax) {
    if (key.startsWith(XATTR_PREFIX)) xattrs.set(key.slice(XATTR_PREFIX.length), value);
  }
  return xattrs;
}

function entryType(header: RawHeader, name: string): TarEntryType {
  const type = TYPES.get(header.typeFlag);
  if (type === undefined) {
    throw tarError(
      'IMAGE_ARCHIVE_ENTRY_UNSUPPORTED',
      `the archive holds ${JSON.stringify(name)} of the unknown type ${JSON.stringify(header.typeFlag)}`,
    );
  }
  // Writers older than POSIX mark a directory by a slash at the end of its name alone.
  return type === 'file' && name.endsWith('/') ? 'directory' : type;
}

function makeEntry(header: RawHeader, extensions: Extensions, sparse: SparseMap | undefined): TarEntry {
  const { pax } = extensions;
  const name = sparse?.name ?? pax.get('path')?.toString('latin1') ?? extensions.longName ?? header.name;
  const type = entryType(header, name);
  const hasBody = type === 'file';
  return {
    type,
    name,
    linkName: pax.get('linkpath')?.toString('latin1') ?? extensions.longLink ?? header.linkName,
    mode: header.mode,
    uid: decimal(pax.get('uid'), header.uid),
    gid: decimal(pax.get('gid'), header.gid),
    mtimeNs: nanoseconds(pax.get('mtime'), header.mtimeS),
    sizeBytes: hasBody ? (sparse?.realSizeBytes ?? decimal(pax.get('size'), header.sizeBytes)) : 0,
    major: header.major,
    minor: header.minor,
    xattrs: xattrsOf(pax),
    sparse,
  };
}

function untilNul(data: Buffer): string {
  const end = data.indexOf(0);
  return data.toString('latin1', 0, end < 0 ? data.length : end);
}

/** Reads an archive entry by entry: ustar, PAX and GNU, with sparse files. Bodies that are not asked for are passed over. */
export class TarReader {
  readonly #queue: ByteQueue;
  #globalPax: ReadonlyMap<string, Buffer> = new Map();
  /** What of the present entry's body, and of the padding after it, is still to come. */
  #bodyBytes = 0;
  #paddingBytes = 0;
  #sparse: SparseMap | undefined;
  #hasEndMark = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#queue = new ByteQueue(source);
  }

  /** False at the end of an archive that just stops, as one does whose sender died between two entries. */
  get hasEndMark(): boolean {
    return this.#hasEndMark;
  }

  /** The next entry; undefined at the end, when the source has been read to its last byte. */
  async next(): Promise<TarEntry | undefined> {
    await this.#skip(this.#bodyBytes + this.#paddingBytes);
    this.#setBody(0);
    let extensions: Extensions = { pax: this.#globalPax, longName: undefined, longLink: undefined };
    for (;;) {
      const header = await this.#readHeader();
      if (header === undefined) return undefined;
      const extended = await this.#readExtension(header, extensions);
      if (extended === undefined) return this.#beginEntry(header, extensions);
      extensions = extended;
    }
  }

  /** The body of the entry that `next` gave last. */
  async *body(): AsyncGenerator<TarPiece, void> {
    const segments = this.#sparse?.segments ?? [{ offset: 0, sizeBytes: this.#bodyBytes }];
    for (const segment of segments) {
      let done = 0;
      while (done < segment.sizeBytes) {
        const data = await this.#queue.takeSome(Math.min(segment.sizeBytes - done, PIECE_BYTES));
        if (data.length === 0) throw truncated();
        this.#bodyBytes -= data.length;
        yield { offset: segment.offset + done, data };
        done += data.length;
      }
    }
  }

  /** The whole body, for a small file. Errors: IMAGE_ARCHIVE_CORRUPT when it is larger than the limit. */
  async text(limitBytes: number): Promise<string> {
    return (await this.#takeAll(this.#bodyBytes, limitBytes)).toString('utf8');
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  async #readHeader(): Promise<RawHeader | undefined> {
    const block = await this.#queue.take(BLOCK_BYTES);
    if (block.length !== 0 && block.length < BLOCK_BYTES) throw truncated();
    const header = block.length === 0 ? undefined : decodeHeader(block);
    this.#hasEndMark = block.length > 0 && header === undefined;
    // What follows the end is padding; it is read since the checksum of a layer covers it.
    if (header === undefined) await this.#queue.skip(Number.POSITIVE_INFINITY);
    return header;
  }

  /** What a header that only describes the next entry adds; undefined for an entry itself. */
  async #readExtension(header: RawHeader, known: Extensions): Promise<Extensions | undefined> {
    if (!['x', 'g', 'L', 'K'].includes(header.typeFlag)) return undefined;
    this.#setBody(header.sizeBytes);
    const data = await this.#takeAll(header.sizeBytes, PAX_LIMIT_BYTES);
    await this.#skip(this.#paddingBytes);
    if (header.typeFlag === 'L') return { ...known, longName: untilNul(data) };
    if (header.typeFlag === 'K') return { ...known, longLink: untilNul(data) };
    const records = decodePax(data);
    if (header.typeFlag === 'g') this.#globalPax = new Map([...this.#globalPax, ...records]);
    return { ...known, pax: new Map([...known.pax, ...records]) };
  }

  async #beginEntry(header: RawHeader, extensions: Extensions): Promise<TarEntry> {
    const storedBytes = decimal(extensions.pax.get('size'), header.sizeBytes);
    // Links and directories have no body, whatever size old writers put there.
    const hasBody = !['1', '2', '3', '4', '5', '6'].includes(header.typeFlag);
    this.#setBody(hasBody ? storedBytes : 0);
    if (isSparse(header, extensions.pax)) {
      const { map, mapBytes } = await readSparseMap(header, extensions.pax, (bytes) => this.#takeAll(bytes, bytes, true));
      this.#sparse = map;
      this.#bodyBytes -= mapBytes;
    }
    return makeEntry(header, extensions, this.#sparse);
  }

  #setBody(bytes: number): void {
    this.#bodyBytes = bytes;
    this.#paddingBytes = (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
    this.#sparse = undefined;
  }

  async #takeAll(bytes: number, limitBytes: number, isMap = false): Promise<Buffer> {
    if (bytes > limitBytes) throw tarError('IMAGE_ARCHIVE_CORRUPT', `the archive is corrupt: a description of ${bytes} bytes`);
    const data = await this.#queue.take(bytes);
    if (data.length < bytes) throw truncated();
    if (!isMap) this.#bodyBytes -= bytes;
    return data;
  }

  async #skip(bytes: number): Promise<void> {
    if ((await this.#queue.skip(bytes)) < bytes) throw truncated();
  }
}

function truncated(): Error {
  return tarError('IMAGE_ARCHIVE_TRUNCATED', 'the archive ends in the middle of an entry');
}
