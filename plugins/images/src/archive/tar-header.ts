import { CleatError } from '@cleat/schemas';

export const BLOCK_BYTES = 512;

/** One 512-byte header as it stands. Names are latin1, one character a byte: they need not be UTF-8. */
export interface RawHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeS: number;
  readonly typeFlag: string;
  readonly linkName: string;
  readonly major: number;
  readonly minor: number;
  /** The header itself, for what only some formats have. */
  readonly block: Buffer;
}

export function tarError(code: string, message: string): CleatError {
  return new CleatError('invalid_argument', code, message);
}

function corrupt(what: string): CleatError {
  return tarError('IMAGE_ARCHIVE_CORRUPT', `the archive is corrupt: ${what}`);
}

/** Text up to the first NUL. */
function field(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString('latin1', start, end < 0 || end > start + length ? start + length : end);
}

/** A number in octal, or in base 256 where the top bit is set (GNU, for what octal cannot hold). */
export function numberField(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) === 0) {
    const text = field(block, start, length).trim();
    if (text === '') return 0;
    if (!/^[0-7]+$/.test(text)) throw corrupt(`${JSON.stringify(text)} is not an octal number`);
    return Number.parseInt(text, 8);
  }
  const isNegative = (first & 0x40) !== 0;
  let value = BigInt(isNegative ? first - 0x100 : first & 0x7f);
  for (let i = start + 1; i < start + length; i += 1) value = (value << 8n) | BigInt(block[i] ?? 0);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw corrupt('a number in a header is too large');
  return number;
}

/** Sum of all bytes with the checksum field taken as spaces; old writers summed signed bytes. */
function checksumFits(block: Buffer): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK_BYTES; i += 1) {
    const byte = i >= 148 && i < 156 ? 32 : (block[i] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const expected = numberField(block, 148, 8);
  return expected === unsigned || expected === signed;
}

/** The header in a block; undefined for a block of zeros, the mark of the archive's end. */
export function decodeHeader(block: Buffer): RawHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (!checksumFits(block)) throw corrupt('a header has a wrong checksum');
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? field(block, 345, 155) : '';
  const name = field(block, 0, 100);
  const typeFlag = block.toString('latin1', 156, 157);
  const isDevice = typeFlag === '3' || typeFlag === '4';
  const sizeBytes = numberField(block, 124, 12);
  if (sizeBytes < 0) throw corrupt('an entry has a negative size');
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: numberField(block, 100, 8) & 0o7777,
    uid: numberField(block, 108, 8),
    gid: numberField(block, 116, 8),
    sizeBytes,
    mtimeS: numberField(block, 136, 12),
    typeFlag,
    linkName: field(block, 157, 100),
    // Only devices have numbers; old writers leave anything there in other entries.
    major: isDevice ? numberField(block, 329, 8) : 0,
    minor: isDevice ? numberField(block, 337, 8) : 0,
    block,
  };
}

/** Records of a PAX extended header. Keys are text; values stay bytes, since extended attributes are binary. */
export function decodePax(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  let offset = 0;
  while (offset < data.length && data[offset] !== 0) {
    const space = data.indexOf(0x20, offset);
    const length = space < 0 ? Number.NaN : Number(data.toString('latin1', offset, space));
    const end = offset + length;
    const equals = data.indexOf(0x3d, space);
    if (!Number.isInteger(length) || end > data.length || equals < 0 || equals >= end || data[end - 1] !== 0x0a) {
      throw corrupt('an extended header cannot be read');
    }
    records.set(data.toString('utf8', space + 1, equals), data.subarray(equals + 1, end - 1));
    offset = end;
  }
  return records;
}
