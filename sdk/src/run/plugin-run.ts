import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { backoff, type ContractCall, type ContractHandler, Interception, type Logger, sleep, TaskGroup } from '@cleat/core';
import { Deadline } from '@cleat/core/deadlines';
import type { Hello, SchemaBook, sys, Welcome } from '@cleat/schemas';
import { CleatError, isCleatError, toCleatError } from '@cleat/schemas';
import { PluginCalls } from '../calls/plugin-calls.ts';
import { RegistryMirror } from '../calls/registry-mirror.ts';
import { EventDecoder } from '../events/event-decoder.ts';
import { Outbox } from '../events/outbox.ts';
import type { PluginDefinition, PluginHandlers } from '../plugin.ts';
import { SDK_VERSION } from '../version.ts';
import { checkHandlers, rolesOf } from './addresses.ts';
import { BusLink, readCredentials } from './bus-link.ts';
import { OpenContext } from './context.ts';
import { Gate } from './gate.ts';
import type { Heart } from './heart.ts';
import { ALONE_TRIES, BEAT_MS, CLOSE_MS, DRAIN_MS, HELLO_BACKOFF, READY_MS, REGISTRY_MS } from './limits.ts';
import { openWhenUnlocked } from './locked-store.ts';
import { Operations } from './operations.ts';
import type { RunEntry } from './run-file.ts';

export interface PluginRunOptions {
  readonly definition: PluginDefinition;
  readonly entry: RunEntry;
  readonly urlFile: string;
  /** Shared by the plugins of a process. */
  readonly book: SchemaBook;
  /** Shared too. */
  readonly heart: Heart;
  readonly log: Logger;
  /** Nobody else is in the process: a plugin that is refused ends it, so that it is seen. */
  readonly isAlone: boolean;
}

/** One plugin from its first connect to its end: hello, set-up, ready, beats, and all of that again when the kernel is another. */
export class PluginRun {
  readonly #options: PluginRunOptions;
  readonly #name: string;
  readonly #instance = randomBytes(8).toString('hex');
  readonly #log: Logger;
  readonly #tasks: TaskGroup;
  readonly #link: BusLink;
  readonly #registry: RegistryMirror;
  readonly #decoder: EventDecoder;
  readonly #calls: PluginCalls;
  readonly #interception: Interception;
  /** Shut until the plugin is set up: until then calls wait. */
  readonly #gate = new Gate();
  readonly #operations: Operations;
  #outbox: Outbox | undefined;
  #context: OpenContext | undefined;
  #handlers: PluginHandlers = {};
  #welcome: Welcome | undefined;
  #refusals = 0;
  #wakeHeart: () => void = () => undefined;

  /** Throws `unavailable` CREDENTIALS_MISSING and `invalid_argument` BUS_CREDENTIALS_INVALID. */
  constructor(options: PluginRunOptions) {
    const { definition, entry, urlFile, book } = options;
    this.#options = options;
    this.#name = definition.manifest.name;
    this.#log = options.log;
    this.#tasks = new TaskGroup({ logger: options.log });
    this.#link = new BusLink({
      plugin: this.#name,
      instance: this.#instance,
      credentials: readCredentials(entry.credentials),
      ...{ urlFile, book, log: options.log },
      whoIs: (key) => this.#whoIs(key),
      judge: (call) => this.#judge(call),
    });
    this.#registry = new RegistryMirror({ read: () => this.#sys('registry', {}, REGISTRY_MS), log: options.log });
    this.#decoder = new EventDecoder(book, (fingerprint) => this.#sys('schema', { fingerprint }, REGISTRY_MS));
    const { caller } = this.#link;
    this.#calls = new PluginCalls({ caller, registry: this.#registry, book, picked: (contract) => this.#welcome?.picked[contract] });
    this.#interception = new Interception(caller, (operation) => this.#registry.interceptorsOf(operation));
    this.#operations = new Operations(definition.manifest, this.#decoder);
  }

  /** Runs until `stop` aborts, then answers what it was asked and ends. Throws when it is alone and cannot begin. */
  async run(stop: AbortSignal): Promise<void> {
    try {
      await this.#begin(stop);
      await this.#beatUntil(stop);
    } catch (error) {
      if (!stop.aborted) throw error;
    } finally {
      await this.#end(stop);
    }
  }

  async #begin(stop: AbortSignal): Promise<void> {
    const { definition, entry } = this.#options;
    if ((definition.manifest.events?.publishes ?? []).length > 0) await this.#openOutbox(join(entry.stateDir, 'outbox'), stop);
    this.#serve();
    await this.#sayHello(stop);
    this.#follow();
    await this.#registry.load().catch((error: unknown) => this.#log.warn('the registry cannot be read yet', { error }));
    await this.#setUp(stop);
    this.#gate.open();
    await this.#sayReady(stop);
    await this.#tellReady();
  }

  /** Every address, before the kernel can hear of this instance: a call that comes early waits instead of vanishing. */
  #serve(): void {
    const { book, definition } = this.#options;
    for (const role of rolesOf(definition.manifest)) {
      const contract = role.type === 'service' ? role.contract : role.type === 'interceptor' ? 'interceptor' : 'provider';
      const handlers: Record<string, ContractHandler> = {};
      for (const operation of book.operationsOf(contract)) {
        handlers[operation] = async (request, call) => {
          await this.#gate.wait(call.signal);
          return this.#operations.run(role, request, call);
        };
      }
      this.#link.callee.serve(contract, role.address, handlers);
    }
  }

  /** Says hello until the kernel has welcomed this instance. Throws when it is refused, alone in its process, for the third time. */
  async #sayHello(stop: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#link.connected(Deadline.after(READY_MS));
        await this.#link.callee.ready(Deadline.after(READY_MS));
        const welcome = await this.#link.hello(this.#hello(), stop);
        this.#welcome = welcome;
        this.#outbox?.welcomed(welcome.eventNumber);
        return;
      } catch (error) {
        stop.throwIfAborted();
        this.#noteRefusal(error, 'the kernel does not take this plugin');
        await sleep(backoff(attempt, HELLO_BACKOFF), stop);
      }
    }
  }

  #hello(): Hello {
    const { name, version, contracts } = this.#options.definition.manifest;
    return {
      hello: 1,
      name,
      version,
      instance: this.#instance,
      pid: process.pid,
      sdk: SDK_VERSION,
      contracts,
      store: this.#outbox?.store ?? '',
    };
  }

  /** Fails after three refusals when nobody else is in the process; a kernel that is away is waited for. */
  #noteRefusal(error: unknown, what: string): void {
    const isAway = isCleatError(error) && (error.class === 'unavailable' || error.class === 'deadline_exceeded');
    const { code, message, hint } = toCleatError(error);
    if (isAway) {
      this.#log.warn('the kernel does not answer yet', { code, reason: message });
      return;
    }
    this.#refusals += 1;
    this.#log.error(what, { code, reason: message, hint, error });
    if (this.#options.isAlone && this.#refusals >= ALONE_TRIES) throw error;
  }

  async #setUp(stop: AbortSignal): Promise<void> {
    const { definition } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      const context = this.#openContext(stop);
      try {
        const handlers = await untilAborted(Promise.resolve(definition.setup(context.context)), stop);
        checkHandlers(definition.manifest, handlers);
        this.#context = context;
        this.#handlers = handlers;
        this.#operations.use(handlers);
        return;
      } catch (error) {
        await context.close();
        stop.throwIfAborted();
        this.#noteRefusal(
          isCleatError(error) && error.class === 'unavailable' ? toSetupError(this.#name, error) : error,
          'the plugin cannot be set up',
        );
        await sleep(backoff(attempt, HELLO_BACKOFF), stop);
      }
    }
  }

  #openContext(stop: AbortSignal): OpenContext {
    const { entry } = this.#options;
    const welcome = this.#welcome;
    if (welcome === undefined) throw new CleatError('internal', 'HELLO_FIRST', 'set-up was begun before the welcome');
    return new OpenContext({
      ...{ name: this.#name, instance: this.#instance, welcome, stop, log: this.#log },
      ...{ stateDir: entry.stateDir, runDir: entry.runDir },
      ...{ importing: this.#link.importing, calls: this.#calls, decoder: this.#decoder, outbox: this.#outbox },
    });
  }

  /** The kernel reconciles every kind before it answers. What fails is tried again from hello on. */
  async #sayReady(stop: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      this.#operations.expectReconcile();
      try {
        await this.#sys('ready', { instance: this.#instance }, READY_MS, stop);
        this.#log.info('the plugin is ready');
        return;
      } catch (error) {
        stop.throwIfAborted();
        this.#log.warn('the plugin is not ready yet', { error });
        await sleep(backoff(attempt, HELLO_BACKOFF), stop);
        await this.#sayHello(stop);
      }
    }
  }

  async #tellReady(): Promise<void> {
    try {
      await this.#handlers.ready?.();
    } catch (error) {
      this.#log.error('the plugin failed when it was ready', { error });
    }
  }

  /** Beats until the end; a kernel that does not know this instance (it was restarted, or saw us leave) gets another hello. */
  async #beatUntil(stop: AbortSignal): Promise<void> {
    const { heart } = this.#options;
    const leave = heart.join(this, () => this.#wakeHeart());
    try {
      while (!stop.aborted) {
        const everyMs = this.#welcome?.heartbeatMs ?? BEAT_MS;
        const isDue = await this.#pause(heart.untilBeat(everyMs), stop);
        if (stop.aborted) return;
        if ((isDue && !heart.isTurnOf(this, everyMs)) || (await this.#isKnown(stop))) continue;
        heart.askOthers(this);
        this.#operations.expectReconcile();
        await this.#sayHello(stop);
        await this.#sayReady(stop);
      }
    } finally {
      leave();
    }
  }

  /** One heartbeat. True also when nobody answers: the bus or the kernel is away, and the next beat tells. */
  async #isKnown(stop: AbortSignal): Promise<boolean> {
    try {
      const backlog = this.#outbox?.backlog ?? 0;
      const { known } = await this.#sys<sys.BeatResponse>('beat', { instance: this.#instance, backlog }, BEAT_MS, stop);
      return known;
    } catch (error) {
      this.#log.debug('a heartbeat was not answered', { error });
      return true;
    }
  }

  /** In step with the registry, sending events, and beating at once when kernel or bus may be new. */
  #follow(): void {
    const { importing, caller } = this.#link;
    this.#tasks.spawn('registry', (signal) => this.#registry.follow(importing, signal, () => this.#beatSoon()));
    importing.onEvent((event) => {
      if (event.type === 'connected' && !event.isFirst) this.#beatSoon();
    });
    // What was sent to somebody who was away need not wait for the silence to be noticed.
    this.#registry.onChange((change) => {
      if (change.type === 'back') caller.hurry();
    });
    const outbox = this.#outbox;
    if (outbox !== undefined) this.#tasks.spawn('outbox', (signal) => outbox.run(signal));
  }

  #beatSoon(): void {
    this.#link.caller.hurry();
    this.#wakeHeart();
  }

  /** True when the time is over, false when it was cut short: somebody wants to beat at once, or to end. */
  #pause(ms: number, stop: AbortSignal): Promise<boolean> {
    const controller = new AbortController();
    this.#wakeHeart = () => controller.abort();
    return sleep(ms, AbortSignal.any([controller.signal, stop])).then(
      () => true,
      () => false,
    );
  }

  async #end(stop: AbortSignal): Promise<void> {
    const reason = new CleatError('unavailable', 'PLUGIN_STOPPING', `plugin ${this.#name} is stopping`, {
      plugin: this.#name,
      retryable: true,
    });
    if (!this.#gate.isOpen) this.#gate.fail(reason);
    this.#operations.close(reason);
    const left = await this.#link.callee.drain(Deadline.after(stop.aborted ? DRAIN_MS : 0));
    if (left > 0) this.#log.warn('calls did not end before the plugin', { calls: left });
    this.#gate.fail(reason);
    const { close } = this.#handlers;
    if (close !== undefined)
      await this.#limited(
        'closing the plugin',
        Promise.resolve().then(() => close.call(this.#handlers)),
      );
    await this.#context?.close();
    await this.#tasks.close(CLOSE_MS);
    if (this.#outbox !== undefined) await this.#limited('closing the outbox', this.#outbox.close());
    await this.#link.close(Deadline.after(CLOSE_MS));
  }

  async #limited(what: string, work: Promise<void>): Promise<void> {
    const late = new CleatError('deadline_exceeded', 'PLUGIN_CLOSE_SLOW', `${what} takes too long`);
    await Deadline.after(CLOSE_MS)
      .race(work, () => late)
      .catch((error: unknown) => this.#log.error(`${what} failed`, { error }));
  }

  async #openOutbox(directory: string, stop: AbortSignal): Promise<void> {
    this.#outbox = await openWhenUnlocked(
      () =>
        Outbox.open({
          directory,
          log: this.#log,
          send: async (store, { number, event, actor }, signal) => {
            const answer = await this.#sys<sys.EventResponse>('event', { store, number, event, actor }, REGISTRY_MS, signal);
            return answer.durable;
          },
        }),
      stop,
    );
  }

  async #whoIs(key: string): Promise<{ readonly name: string; readonly speaksFor: boolean } | undefined> {
    await this.#gate.wait();
    return this.#registry.whoIs(key);
  }

  /** A service's operations are judged here, where they are executed; what the kernel asks of a provider it has had judged. */
  async #judge(call: ContractCall): Promise<void> {
    if (call.contract === 'provider' || call.contract === 'interceptor') return;
    await this.#registry.load();
    await this.#interception.judge(call);
  }

  #sys<Response>(operation: string, request: unknown, timeoutMs: number, signal?: AbortSignal): Promise<Response> {
    return this.#link.caller.call<Response>('sys', 'sys', operation, request, { timeoutMs, signal, plugin: 'kernel' });
  }
}

/** A set-up that fails for want of something is a failure all the same: it counts. */
function toSetupError(name: string, cause: CleatError): CleatError {
  return new CleatError('internal', 'PLUGIN_SETUP', `plugin ${name} cannot be set up: ${cause.message}`, {
    plugin: name,
    hint: cause.hint,
    cause,
  });
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
