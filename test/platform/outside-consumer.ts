import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContractCaller, Deadline } from '@cleat/core';
import { BusConnection, durableEvents } from '@cleat/core/bus';
import { slowFactor } from '@cleat/harness';
import { type event, SchemaBook } from '@cleat/schemas';

const QUIET = { info: (): void => undefined, warn: (): void => undefined, error: (): void => undefined };
const CALL_MS = 20_000;

export type ConsumedItem =
  | { readonly type: 'event'; readonly sequence: number; readonly node: string; readonly acknowledge: () => void }
  | { readonly type: 'gap'; readonly missed: number }
  | { readonly type: 'node'; readonly node: string };

/** A program outside the platform: the credentials of `cleat consumer add`, and a position of its own. */
export class OutsideConsumer {
  readonly #connection: BusConnection;
  readonly #caller: ContractCaller;

  private constructor(connection: BusConnection) {
    this.#connection = connection;
    this.#caller = new ContractCaller(connection, new SchemaBook());
  }

  static async open(runDir: string, credentialsFile: string): Promise<OutsideConsumer> {
    const { accountKey, jwt } = JSON.parse(readFileSync(credentialsFile, 'utf8')) as { accountKey: string; jwt: string };
    const url = (): string => readFileSync(join(runDir, 'bus.url'), 'utf8').trim();
    const connection = await BusConnection.open(
      { url, credentials: { accountKey, jwt }, name: 'outside', log: QUIET },
      Deadline.after(CALL_MS * slowFactor()),
    );
    return new OutsideConsumer(connection);
  }

  /** Every event after the position, in order, each once, with the gaps. Ends with the signal. */
  async *read(after: number, signal: AbortSignal): AsyncGenerator<ConsumedItem, void> {
    let position = after;
    while (!signal.aborted) {
      const opened = await this.#open(position);
      yield { type: 'node', node: opened.node };
      if (opened.missed > 0) yield { type: 'gap', missed: opened.missed };
      position = Math.max(position, opened.after);
      for await (const item of durableEvents(this.#connection, { signal })) {
        if (item.type !== 'event') break;
        const sequence = Number(item.headers.get('ce-sequence'));
        if (sequence > position) {
          position = sequence;
          const [, , node = ''] = (item.headers.get('ce-source') ?? '').split('/');
          yield { type: 'event', sequence, node, acknowledge: item.acknowledge };
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#connection.close(Deadline.after(500));
  }

  #open(after: number): Promise<event.OpenResponse> {
    return this.#caller.call<event.OpenResponse>('event', 'event', 'open', { after }, { timeoutMs: CALL_MS * slowFactor() });
  }
}
