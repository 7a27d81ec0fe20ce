import { ContractCaller, Deadline } from '@cleat/core';
import { BusConnection, type Credentials, durableEvents } from '@cleat/core/bus';
import { waitFor } from '@cleat/harness';
import { type event, isCleatError, type plugin, SchemaBook } from '@cleat/schemas';
import type { BareKernel } from '../platform/bare-kernel.ts';

const QUIET = { info: (): void => undefined, warn: (): void => undefined, error: (): void => undefined };

/** A program outside the platform with a durable position: nothing but its credentials, and what the contract says. */
export class OutsideConsumer {
  readonly sequences: number[] = [];
  readonly types: string[] = [];
  /** How many events it was told are gone, each time. */
  readonly gaps: number[] = [];
  position: number;
  readonly #text: string;
  readonly #kernel: BareKernel;
  #controller = new AbortController();
  #connection: BusConnection | undefined;
  #running: Promise<void> = Promise.resolve();

  private constructor(kernel: BareKernel, text: string, position: number) {
    this.#kernel = kernel;
    this.#text = text;
    this.position = position;
  }

  static async add(
    kernel: BareKernel,
    name: string,
    request: { readonly type?: string; readonly after?: number } = {},
  ): Promise<OutsideConsumer> {
    const after = request.after ?? 0;
    // Right after the first start there is no stream yet.
    const added = await waitFor('the consumer', () =>
      kernel.call<plugin.ConsumerAddResponse>('plugin', 'consumerAdd', { name, type: request.type ?? '*', after }),
    );
    return new OutsideConsumer(kernel, added.credentials, after);
  }

  async start(): Promise<void> {
    const credentials = JSON.parse(this.#text) as Credentials;
    this.#controller = new AbortController();
    this.#connection = await BusConnection.open(
      { url: () => this.#kernel.busUrl, credentials, name: 'outside', log: QUIET },
      Deadline.after(10_000),
    );
    this.#running = this.#read(this.#connection, this.#controller.signal);
  }

  /** It ends, or dies: what it has acknowledged is done with. */
  async stop(): Promise<void> {
    this.#controller.abort();
    await this.#running;
    await this.#connection?.close(Deadline.after(500));
    this.#connection = undefined;
  }

  get hasGaplessOrder(): boolean {
    const first = this.sequences[0] ?? 0;
    return this.sequences.every((sequence, index) => sequence === first + index);
  }

  async waitFor(sequence: number, timeoutMs = 20_000): Promise<void> {
    await waitFor(`event ${sequence} (has ${this.position})`, () => this.position >= sequence, { timeoutMs });
  }

  async #read(connection: BusConnection, signal: AbortSignal): Promise<void> {
    const caller = new ContractCaller(connection, new SchemaBook());
    while (!signal.aborted) {
      await this.#open(caller, signal);
      for await (const item of durableEvents(connection, { signal, idleMs: 2_000 })) {
        if (item.type === 'gone') break;
        if (item.type !== 'event') await this.#open(caller, signal);
        else {
          const sequence = Number(item.headers.get('ce-sequence'));
          if (sequence > this.position) {
            this.sequences.push(sequence);
            this.types.push(item.headers.get('ce-type') ?? '');
            this.position = sequence;
          }
          item.acknowledge();
        }
      }
    }
  }

  async #open(caller: ContractCaller, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { after, missed } = await caller.call<event.OpenResponse>(
          'event',
          'event',
          'open',
          { after: this.position, type: '*' },
          { timeoutMs: 5_000, signal },
        );
        if (missed > 0) this.gaps.push(missed);
        this.position = Math.max(this.position, after);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!isCleatError(error) || (error.class !== 'unavailable' && error.class !== 'deadline_exceeded')) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}
