import { spawn } from 'node:child_process';
import { pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { CleatError } from '@cleat/schemas';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

const MAGICS: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];
/** As many bytes as detecting needs. */
export const MAGIC_BYTES = 6;
const CHUNK_BYTES = 256 * 1024;
const STDERR_LIMIT = 4096;

export function detectCompression(start: Uint8Array): Compression {
  const found = MAGICS.find(([, magic]) => magic.every((byte, i) => start[i] === byte));
  return found?.[0] ?? 'none';
}

function corrupt(compression: Compression, cause: unknown): CleatError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new CleatError('invalid_argument', 'IMAGE_LAYER_CORRUPT', `the ${compression} data cannot be decompressed: ${detail}`, { cause });
}

/** The bytes behind the compression. Errors: IMAGE_LAYER_CORRUPT, IMAGE_COMPRESSION_UNSUPPORTED. */
export async function* decompress(source: Readable, compression: Compression): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of compression === 'none' ? source : decoded(source, compression)) yield asBytes(chunk);
  } finally {
    source.destroy();
  }
}

function asBytes(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  throw new CleatError('internal', 'IMAGE_STREAM_INVALID', 'a stream of bytes gave something else');
}

function decoded(source: Readable, compression: Exclude<Compression, 'none'>): AsyncIterable<unknown> {
  if (compression === 'gzip') return through(source, zlib.createGunzip({ chunkSize: CHUNK_BYTES }), compression);
  // Node has zstd since 22.15; before that, and for the others, the program does it, as it does for Docker.
  const native = compression === 'zstd' && 'createZstdDecompress' in zlib ? zlib.createZstdDecompress : undefined;
  const stream: unknown = typeof native === 'function' ? Reflect.apply(native, zlib, []) : undefined;
  if (isDuplex(stream)) return through(source, stream, compression);
  return throughProgram(source, compression);
}

function isDuplex(value: unknown): value is NodeJS.ReadWriteStream & Readable {
  return value instanceof Readable && 'write' in value;
}

async function* through(
  source: Readable,
  decoder: NodeJS.ReadWriteStream & Readable,
  compression: Compression,
): AsyncGenerator<unknown, void> {
  // The error reaches the reader through the decoder, which pipeline destroys.
  pipeline(source, decoder, () => undefined);
  try {
    yield* decoder;
  } catch (error) {
    throw corrupt(compression, error);
  } finally {
    decoder.destroy();
  }
}

async function* throughProgram(source: Readable, program: Compression): AsyncGenerator<unknown, void> {
  const child = spawn(program, ['-d', '-c'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', (code) => resolve(code ?? 1));
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, STDERR_LIMIT);
  });
  // A program that stops reading makes the pipe fail; its exit code tells why.
  pipeline(source, child.stdin, () => undefined);
  try {
    yield* child.stdout;
    const result = await ended;
    if (result instanceof Error) throw missing(program, result);
    if (result !== 0) throw corrupt(program, complaint.trim() || `exit code ${result}`);
  } finally {
    child.kill('SIGKILL');
  }
}

function missing(program: Compression, cause: Error): CleatError {
  const packages = program === 'xz' ? 'xz-utils' : program;
  return new CleatError(
    'unimplemented',
    'IMAGE_COMPRESSION_UNSUPPORTED',
    `the layer is compressed with ${program}, which this host cannot read`,
    { hint: `Install the program ${program} (Debian: apt-get install ${packages}).`, cause },
  );
}
