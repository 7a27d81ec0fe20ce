import { appendFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CleatError, definePlugin, type PluginContext, type PluginDefinition, readManifest, sleep } from '@cleat/sdk';

const manifest = readManifest(new URL('../../manifest.json', import.meta.url));
const LOOK_MS = 500;

/** How far the output of a container was passed on. */
interface Cursor {
  readonly container: string;
  /** The segment that is read, and the bytes of it that are done with. */
  readonly segment: number;
  readonly offset: number;
}

/** Cursors are files: a driver that was killed goes on where it was. */
class Cursors {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async all(): Promise<readonly Cursor[]> {
    const names = (await readdir(this.#directory)).filter((name) => /^[^.]+$/.test(name));
    return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(this.#directory, name), 'utf8')) as Cursor));
  }

  async has(object: string): Promise<boolean> {
    return (await readdir(this.#directory)).includes(encodeURIComponent(object));
  }

  async put(cursor: Cursor): Promise<void> {
    const path = join(this.#directory, encodeURIComponent(cursor.container));
    await writeFile(`${path}.new`, JSON.stringify(cursor));
    await rename(`${path}.new`, path);
  }

  async drop(object: string): Promise<void> {
    await rm(join(this.#directory, encodeURIComponent(object)), { force: true });
  }

  async names(): Promise<readonly string[]> {
    return (await readdir(this.#directory)).filter((name) => /^[^.]+$/.test(name)).map(decodeURIComponent);
  }
}

/** Passes on what a container has written since the cursor, whole lines, and tells the kernel which segments are done with. */
async function forward(cursor: Cursor, context: PluginContext, cursors: Cursors, output: string): Promise<void> {
  const { segments } = await context.call('logdata', 'segments', { container: cursor.container }, { signal: context.signal });
  let { segment, offset } = cursor;
  for (const { number, path, open: isOpen } of segments.filter(({ number }) => number >= segment)) {
    if (number > segment) offset = 0;
    segment = number;
    const text = await readFrom(path, offset);
    const whole = isOpen ? text.subarray(0, text.lastIndexOf(10) + 1) : text;
    if (whole.length > 0) await appendFile(output, whole);
    offset += whole.length;
    await cursors.put({ container: cursor.container, segment, offset });
    if (!isOpen) await context.call('logdata', 'acknowledge', { container: cursor.container, number }, { signal: context.signal });
  }
}

async function readFrom(path: string, offset: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.max(0, size - offset));
    await file.read(buffer, 0, buffer.length, offset);
    return buffer;
  } finally {
    await file.close();
  }
}

export const plugin: PluginDefinition = definePlugin({
  manifest,
  setup: async (context) => {
    const directory = join(context.stateDir, 'cursors');
    await mkdir(directory, { recursive: true });
    const cursors = new Cursors(directory);
    const output = join(context.stateDir, 'output.log');

    context.tasks.spawn('forwarding', async (signal) => {
      for (;;) {
        for (const cursor of await cursors.all()) {
          await forward(cursor, context, cursors, output).catch((error: unknown) => context.log.debug('it is tried again', { error }));
        }
        await sleep(LOOK_MS, signal);
      }
    });

    return {
      drivers: {
        // The object of a log driver is a container: its id.
        [`log/${manifest.name}`]: {
          reserve: async ({ reference, options }) => {
            const wanted: unknown = JSON.parse(options === '' ? '{}' : options);
            if (typeof wanted !== 'object' || wanted === null || Object.keys(wanted).length > 0) {
              throw new CleatError('invalid_argument', 'OPTION_UNKNOWN', `the log driver ${manifest.name} has no options`);
            }
            if (!(await cursors.has(reference.object))) await cursors.put({ container: reference.object, segment: 1, offset: 0 });
            return { contribution: { log: { segmentBytes: 1_048_576, spoolBytes: 20_971_520, mode: 'non-blocking' } } };
          },
          release: async ({ reference }) => {
            await cursors.drop(reference.object);
            return {};
          },
          reconcile: async ({ held, owed }) => {
            const known = new Set(held.map(({ reference }) => reference.object));
            for (const { reference } of owed) known.delete(reference.object);
            const there = await cursors.names();
            for (const name of there) if (!known.has(name)) await cursors.drop(name);
            return { lacks: held.filter(({ reference }) => !there.includes(reference.object)).map(({ reference }) => reference) };
          },
        },
      },
    };
  },
});
