import { BLOCK_BYTES } from './tar-header.ts';

/** A file to write: its name (ASCII, at most 100 characters) and its bytes, so many as it says. */
export interface TarFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly body: () => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

const NAME_LIMIT = 100;
const OCTAL_SIZE_LIMIT = 8 ** 11;
const END = Buffer.alloc(2 * BLOCK_BYTES);

/** An archive of plain files and the directories that lead to them, the same for the same input. */
export async function* writeTar(files: Iterable<TarFile>): AsyncGenerator<Uint8Array, void> {
  const directories = new Set<string>();
  for (const file of files) {
    const parts = file.name.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      const directory = `${parts.slice(0, depth).join('/')}/`;
      if (directories.has(directory)) continue;
      directories.add(directory);
      yield header(directory, 0, '5', 0o755);
    }
    yield header(file.name, file.sizeBytes, '0', 0o644);
    let written = 0;
    for await (const chunk of await file.body()) {
      written += chunk.byteLength;
      yield chunk;
    }
    // The header has been sent already: going on would make an archive that nobody can read.
    if (written !== file.sizeBytes) throw new Error(`${file.name} has ${written} bytes instead of ${file.sizeBytes}`);
    yield Buffer.alloc((BLOCK_BYTES - (written % BLOCK_BYTES)) % BLOCK_BYTES);
  }
  yield END;
}

/** A small file of text. */
export function textFile(name: string, text: string): TarFile {
  const data = Buffer.from(text);
  return { name, sizeBytes: data.length, body: () => oneChunk(data) };
}

async function* oneChunk(data: Buffer): AsyncGenerator<Buffer, void> {
  yield data;
}

function header(name: string, sizeBytes: number, type: '0' | '5', mode: number): Buffer {
  if (name.length > NAME_LIMIT) throw new Error(`${name} is too long for the archive`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number, offset: number): void => {
    block.write(value.toString(8).padStart(digits, '0'), offset, 'latin1');
  };
  block.write(name, 0, 'latin1');
  octal(mode, 7, 100);
  octal(0, 7, 108);
  octal(0, 7, 116);
  if (sizeBytes < OCTAL_SIZE_LIMIT) octal(sizeBytes, 11, 124);
  else writeBinarySize(block, sizeBytes);
  octal(0, 11, 136);
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** What octal cannot hold (8 GiB and more) is written in base 256, as GNU tar and Go read it. */
function writeBinarySize(block: Buffer, sizeBytes: number): void {
  block.writeBigUInt64BE(BigInt(sizeBytes), 128);
  block[124] = 0x80;
}
