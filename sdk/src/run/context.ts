import { isAbsolute, join } from 'node:path';
import { type BusConnection, Journal, type JournalOptions, type Logger, TaskGroup } from '@cleat/core';
import type { providerTypes, Welcome } from '@cleat/schemas';
import { CleatError, matchesPattern } from '@cleat/schemas';
import type { PluginCalls } from '../calls/plugin-calls.ts';
import { ownActor } from '../calls/registry-mirror.ts';
import { consumer } from '../events/consumer.ts';
import type { EventDecoder } from '../events/event-decoder.ts';
import type { Outbox } from '../events/outbox.ts';
import { subscription } from '../events/subscription.ts';
import type { PluginContext, PublishOptions, StreamTicket } from '../plugin.ts';
import { TokenServer } from '../streams/token-server.ts';
import { CLOSE_MS } from './limits.ts';
import { openWhenUnlocked } from './locked-store.ts';

export interface ContextParts {
  readonly name: string;
  readonly instance: string;
  readonly welcome: Welcome;
  readonly stateDir: string;
  readonly runDir: string;
  readonly log: Logger;
  /** Aborted when the plugin is told to stop. */
  readonly stop: AbortSignal;
  readonly importing: BusConnection;
  readonly calls: PluginCalls;
  readonly decoder: EventDecoder;
  readonly outbox: Outbox | undefined;
}

/** What one set-up of a plugin was given, with all that has to be closed after it. */
export class OpenContext {
  readonly #parts: ContextParts;
  readonly #tasks: TaskGroup;
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #journals: Journal[] = [];
  readonly #streams: TokenServer;

  constructor(parts: ContextParts) {
    const { log, runDir, instance } = parts;
    this.#parts = parts;
    this.#tasks = new TaskGroup({ logger: log });
    this.#signal = AbortSignal.any([parts.stop, this.#controller.signal]);
    this.#streams = new TokenServer({ directory: runDir, instance, onError: (error) => log.error('a stream failed', { error }) });
    this.#streams.removeStale();
  }

  get context(): PluginContext {
    const { name, welcome, stateDir, runDir, log, importing, calls, decoder } = this.#parts;
    const events = { connection: importing, call: calls.call, decoder };
    const within = (signal: AbortSignal | undefined): AbortSignal =>
      signal === undefined ? this.#signal : AbortSignal.any([signal, this.#signal]);
    return {
      name,
      config: welcome.config,
      node: welcome.node,
      nodeName: welcome.nodeName,
      instanceId: welcome.instanceId,
      bootId: welcome.bootId,
      stateDir,
      runDir,
      log,
      signal: this.#signal,
      tasks: this.#tasks,
      call: calls.call,
      drivers: calls.drivers,
      subscribe: (options) => subscription(events, { ...options, signal: within(options.signal) }),
      consume: (options) => consumer(events, { ...options, signal: within(options.signal) }),
      publish: (event, options) => this.#publish(event, options),
      openJournal: (options) => this.#openJournal(options ?? {}),
      offerStream: (handler): Promise<StreamTicket> => this.#streams.offer(handler),
      decodeEvent: (entry) => decoder.decode(entry),
    };
  }

  /** Ends what the plugin left running and closes what it opened. */
  async close(): Promise<void> {
    this.#controller.abort(new CleatError('cancelled', 'PLUGIN_STOPPING', `plugin ${this.#parts.name} is stopping`));
    await this.#tasks.close(CLOSE_MS);
    await this.#streams.close();
    for (const journal of this.#journals) {
      await journal.close().catch((error: unknown) => this.#parts.log.error('a journal could not be closed', { error }));
    }
  }

  async #publish(event: providerTypes.EventInput, { actor, key }: PublishOptions = {}): Promise<void> {
    const { name, outbox, welcome } = this.#parts;
    if (outbox === undefined || !matchesPattern(welcome.grant.publishes, event.type)) {
      throw new CleatError('permission_denied', 'EVENT_NOT_GRANTED', `plugin ${name} may not publish events of the type ${event.type}`, {
        plugin: name,
        hint: 'Declare it in the manifest under events.publishes, and install the plugin again.',
      });
    }
    await outbox.add(event, actor ?? ownActor(name), key);
  }

  async #openJournal(options: Partial<JournalOptions>): Promise<Journal> {
    const given = options.dir ?? 'journal';
    const dir = isAbsolute(given) ? given : join(this.#parts.stateDir, given);
    const journal = await openWhenUnlocked(() => Journal.open({ ...options, dir }), this.#signal);
    this.#journals.push(journal);
    return journal;
  }
}
