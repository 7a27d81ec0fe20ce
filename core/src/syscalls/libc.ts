import { createRequire } from 'node:module';
import { CleatError } from '@cleat/schemas';
import { systemError } from './errno.ts';

// koffi costs 8 ms and 2.5 MB, so it is loaded by the first call and each C function is bound by its own first call.

/** What of koffi is used: enough to bind a function, read errno and take the address of a buffer. */
interface Koffi {
  load(path: string | null): { func(declaration: string): (...args: never[]) => unknown };
  errno(): number;
  address(value: Uint8Array): bigint;
}

interface Libc {
  readonly koffi: Koffi;
  readonly library: ReturnType<Koffi['load']>;
}

let loaded: Libc | undefined;

function isKoffi(value: unknown): value is Koffi {
  return typeof value === 'object' && value !== null && 'load' in value && 'errno' in value && 'address' in value;
}

function libc(): Libc {
  if (loaded !== undefined) return loaded;
  const koffi: unknown = createRequire(import.meta.url)('koffi');
  if (!isKoffi(koffi)) throw new CleatError('internal', 'SYSCALL_LIBRARY', 'the koffi package does not offer load, errno and address');
  loaded = { koffi, library: koffi.load(null) };
  return loaded;
}

/** A C function of libc by its prototype. Variadic ones are declared with fixed integer arguments: the same call on every 64-bit Linux ABI. */
export function bind<Args extends readonly unknown[]>(prototype: string): (...args: Args) => number {
  let bound: ((...args: Args) => number) | undefined;
  return (...args: Args): number => {
    if (bound === undefined) {
      const native = libc().library.func(prototype);
      // The prototype is the only description of the C side; the type given here repeats it.
      bound = native as (...args: Args) => number;
    }
    return bound(...args);
  };
}

/** errno of the C call just made on this thread. */
export function lastErrno(): number {
  return libc().koffi.errno();
}

/** The address of a buffer's bytes, to be put into a C structure. The caller keeps the buffer alive during the call. */
export function addressOf(buffer: Uint8Array): bigint {
  return libc().koffi.address(buffer);
}

/** The result of a C call, or its errno as an error that says what was done to what. */
export function checked(result: number, call: string, subject: string): number {
  if (result >= 0) return result;
  throw systemError(lastErrno(), call, subject);
}

/** A path as C sees it: a NUL inside would cut it off silently. */
export function cPath(path: string): string {
  if (path.includes('\0')) throw new CleatError('invalid_argument', 'PATH_INVALID', 'a path may not contain a NUL character');
  return path;
}

/** A path as text or as bytes: the name of a file need not be UTF-8. */
export type FilePath = string | Uint8Array;

/** A path of either form as C sees it. */
export function cFilePath(path: FilePath): string | Uint8Array {
  if (typeof path === 'string') return cPath(path);
  if (path.includes(0)) throw new CleatError('invalid_argument', 'PATH_INVALID', 'a path may not contain a NUL character');
  return Buffer.concat([path, Buffer.of(0)]);
}

/** A path of either form for a message. */
export function shownPath(path: FilePath): string {
  return typeof path === 'string' ? path : Buffer.from(path).toString();
}
