import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toCleatError } from '@cleat/schemas';
import type { PluginContext, StreamTicket } from '@cleat/sdk';
import { storageError } from '../layer/errno.ts';
import type { Layer } from '../layer/layer-record.ts';
import { digestHex } from '../store/digest.ts';
import { type ImportPlan, importImage } from '../store/image-import.ts';
import type { Actor } from '../store/image-index.ts';
import { loadImages } from '../store/image-load.ts';
import type { SavePlan } from '../store/image-save.ts';
import type { ImageStore } from '../store/image-store.ts';

/** Operations whose bytes come or go by a socket. The ticket is the answer to the call; the socket tells the rest. */
export class ImageStreams {
  readonly #store: ImageStore;
  readonly #context: Pick<PluginContext, 'offerStream' | 'signal'>;

  constructor(store: ImageStore, context: Pick<PluginContext, 'offerStream' | 'signal'>) {
    this.#store = store;
    this.#context = context;
  }

  /** Lines: {"id": "sha256:..."} or {"error": {...}}. */
  import(plan: ImportPlan, actor: Actor): Promise<StreamTicket> {
    return this.#receive(async (source, say, signal) => {
      say({ id: await importImage(this.#store, plan, source, { signal, actor }) });
    });
  }

  /** Lines: {"id": "sha256:...", "reference": "name:tag"} for each name, without reference for an image that has none. */
  load(request: { readonly quiet: boolean }, actor: Actor): Promise<StreamTicket> {
    return this.#receive(async (source, say, signal) => {
      await loadImages(this.#store, source, {
        signal,
        actor,
        onLayer: (layer) => {
          if (!request.quiet) say({ progress: layerProgress(layer) });
        },
        onLoaded: ({ id, names }) => {
          if (names.length === 0) say({ id });
          for (const reference of names) say({ id, reference });
        },
      });
    });
  }

  save(plan: SavePlan, actor: Actor): Promise<StreamTicket> {
    return this.#context.offerStream(async (connection) => {
      await pipeline(Readable.from(plan.archive(), { objectMode: false }), connection, { signal: this.#context.signal });
      await this.#store.publishSaved(plan.records, actor);
    });
  }

  /** Takes bytes until the client half-closes, and answers in lines of JSON. */
  #receive(
    work: (source: AsyncIterable<Uint8Array>, say: (line: object) => void, signal: AbortSignal) => Promise<void>,
  ): Promise<StreamTicket> {
    return this.#context.offerStream(async (connection) => {
      const gone = new AbortController();
      const onClose = (): void => gone.abort(new Error('the client went away'));
      connection.once('close', onClose);
      // A client that died is noticed by a write; the close that follows says the same.
      connection.on('error', onClose);
      const say = (line: object): void => void connection.write(`${JSON.stringify(line)}\n`);
      try {
        await work(bytesOf(connection), say, AbortSignal.any([gone.signal, this.#context.signal]));
      } catch (error) {
        say({ error: errorLine(error) });
      } finally {
        connection.off('close', onClose);
        connection.end();
        // What the client still sends is not wanted, and must not hold it up.
        connection.resume();
      }
    });
  }
}

function layerProgress(layer: Layer): object {
  const item = digestHex(layer.diffId).slice(0, 12);
  return { message: 'Loading layer', item, current: layer.archiveBytes, total: layer.archiveBytes };
}

/** The client's bytes. Unlike the socket's own iterator it leaves the connection open, for the answer. */
async function* bytesOf(connection: Socket): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of connection.iterator({ destroyOnReturn: false })) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}

function errorLine(thrown: unknown): object {
  const { class: errorClass, code, message, hint } = toCleatError(storageError(thrown, 'the image store'));
  return { class: errorClass, code, message, ...(hint === undefined ? {} : { hint }) };
}
