import { BLOCK_BYTES, numberField, type RawHeader, tarError } from './tar-header.ts';

/** Where the stored pieces of a file with holes belong (GNU tar -S). */
export interface SparseMap {
  readonly name: string | undefined;
  readonly realSizeBytes: number;
  readonly segments: readonly SparseSegment[];
}

export interface SparseSegment {
  readonly offset: number;
  readonly sizeBytes: number;
}

type Take = (bytes: number) => Promise<Buffer>;

const SEGMENTS_LIMIT = 1_000_000;

/** True for the old GNU type and for the PAX forms of GNU tar. */
export function isSparse(header: RawHeader, pax: ReadonlyMap<string, Buffer>): boolean {
  return header.typeFlag === 'S' || pax.has('GNU.sparse.major') || pax.has('GNU.sparse.map') || pax.has('GNU.sparse.offset');
}

/** The map, and how many bytes of the entry's body it took. Errors: IMAGE_ARCHIVE_CORRUPT, IMAGE_ARCHIVE_ENTRY_UNSUPPORTED. */
export async function readSparseMap(
  header: RawHeader,
  pax: ReadonlyMap<string, Buffer>,
  take: Take,
): Promise<{ map: SparseMap; mapBytes: number }> {
  if (header.typeFlag === 'S') return { map: await readOldGnu(header, take), mapBytes: 0 };
  const name = pax.get('GNU.sparse.name')?.toString('latin1');
  const realSizeBytes = whole((pax.get('GNU.sparse.realsize') ?? pax.get('GNU.sparse.size'))?.toString('latin1'));
  const list = pax.get('GNU.sparse.map');
  if (list !== undefined) {
    return { map: checked({ name, realSizeBytes, segments: pairs(list.toString('latin1').split(',')) }), mapBytes: 0 };
  }
  if (pax.get('GNU.sparse.major')?.toString() !== '1') {
    throw tarError('IMAGE_ARCHIVE_ENTRY_UNSUPPORTED', `${header.name}: version 0.0 of GNU tar's sparse format is not supported`);
  }
  const { numbers, mapBytes } = await readLeadingMap(take);
  return { map: checked({ name, realSizeBytes, segments: pairs(numbers) }), mapBytes };
}

function corrupt(): Error {
  return tarError('IMAGE_ARCHIVE_CORRUPT', 'the archive is corrupt: the map of a sparse file cannot be read');
}

function whole(text: string | undefined): number {
  if (text === undefined || !/^\d{1,16}$/.test(text)) throw corrupt();
  return Number(text);
}

function pairs(texts: readonly string[]): SparseSegment[] {
  if (texts.length % 2 !== 0) throw corrupt();
  return Array.from({ length: texts.length / 2 }, (_, i) => ({ offset: whole(texts[2 * i]), sizeBytes: whole(texts[2 * i + 1]) }));
}

function checked(map: SparseMap): SparseMap {
  let end = 0;
  for (const segment of map.segments) {
    if (segment.offset < end || segment.sizeBytes < 0) throw corrupt();
    end = segment.offset + segment.sizeBytes;
  }
  if (end > map.realSizeBytes) throw corrupt();
  return map;
}

/** Version 1.0: the map precedes the data, as decimal lines, padded to a block. */
async function readLeadingMap(take: Take): Promise<{ numbers: string[]; mapBytes: number }> {
  let text = '';
  let mapBytes = 0;
  for (;;) {
    text += (await take(BLOCK_BYTES)).toString('latin1');
    mapBytes += BLOCK_BYTES;
    const lines = text.split('\n');
    const count = lines.length > 1 ? whole(lines[0]) : undefined;
    if (count !== undefined && count > SEGMENTS_LIMIT) throw corrupt();
    if (count !== undefined && lines.length > 2 * count + 1) return { numbers: lines.slice(1, 2 * count + 1), mapBytes };
    if (mapBytes > SEGMENTS_LIMIT * 32) throw corrupt();
  }
}

/** The old form: four pieces in the header, further ones in blocks that follow it. */
async function readOldGnu(header: RawHeader, take: Take): Promise<SparseMap> {
  const block = header.block;
  const segments = piecesIn(block, 386, 4);
  let isExtended = (block[482] ?? 0) !== 0;
  while (isExtended) {
    const extension = await take(BLOCK_BYTES);
    segments.push(...piecesIn(extension, 0, 21));
    isExtended = (extension[504] ?? 0) !== 0;
    if (segments.length > SEGMENTS_LIMIT) throw corrupt();
  }
  return checked({ name: undefined, realSizeBytes: numberField(block, 483, 12), segments });
}

function piecesIn(block: Buffer, start: number, count: number): SparseSegment[] {
  const all = Array.from({ length: count }, (_, i) => ({
    offset: numberField(block, start + 24 * i, 12),
    sizeBytes: numberField(block, start + 24 * i + 12, 12),
  }));
  return all.filter((segment) => segment.sizeBytes > 0);
}
