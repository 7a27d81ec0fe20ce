import { open } from 'node:fs/promises';

/** Longer logs are read from here on before their end: enough for thousands of lines. */
const TAIL_BYTES = 4 * 1024 * 1024;

/** The last lines of a text file that may be large, at most `count`; none when it is not there. */
export async function lastLines(path: string, count: number): Promise<readonly string[]> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.subarray(0, bytesRead).toString().split('\n');
    // The first is cut unless the file was read whole.
    return (start > 0 ? lines.slice(1) : lines).filter((line) => line !== '').slice(-count);
  } finally {
    await file.close();
  }
}
