import type { Socket } from 'node:net';
import type { Deadline, Journal, JournalOptions, Logger, TaskGroup } from '@cleat/core';
import type { Contracts, common, event, interceptor, Manifest, provider, providerTypes } from '@cleat/schemas';

/** What a handler knows of the call it answers. */
export interface CallContext {
  /** The caller's id of the operation: the same when it is sent again. */
  readonly operationId: string;
  readonly actor: common.Actor;
  readonly deadline: Deadline;
  /** Aborted at the deadline, when the caller gives up, and when the plugin is told to stop. */
  readonly signal: AbortSignal;
  /** Passes progress to the caller, and renews its patience. */
  progress(progress: common.ProgressInput): void;
}

/** Options of a call that this plugin makes. */
export interface CallOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number;
  readonly deadline?: Deadline;
  readonly signal?: AbortSignal;
  /** Made anew when absent; give the same one to repeat an operation. */
  readonly operationId?: string;
  /** On whose behalf; needs the grant speak-for. */
  readonly principal?: string;
  readonly onProgress?: (progress: common.Progress) => void;
  /** The longest that progress can make the call last. Default one hour with `onProgress`; else progress renews nothing. */
  readonly limitMs?: number;
}

type Request<C extends keyof Contracts, O extends keyof Contracts[C]> = Contracts[C][O] extends { readonly request: infer R } ? R : never;
type Input<C extends keyof Contracts, O extends keyof Contracts[C]> = Contracts[C][O] extends { readonly input: infer R } ? R : never;
type Response<C extends keyof Contracts, O extends keyof Contracts[C]> = Contracts[C][O] extends { readonly response: infer R } ? R : never;
type Answer<C extends keyof Contracts, O extends keyof Contracts[C]> = Contracts[C][O] extends { readonly answer: infer R } ? R : never;

/** Calls an operation of a contract; the types come from the schemas. */
export type Call = <C extends keyof Contracts, O extends keyof Contracts[C] & string>(
  contract: C,
  operation: O,
  request: Input<C, O>,
  options?: CallOptions,
) => Promise<Response<C, O>>;

/** The operations of a contract, one handler each. */
export type ServiceHandlers<C extends keyof Contracts> = {
  readonly [O in keyof Contracts[C]]: (request: Request<C, O>, call: CallContext) => Promise<Answer<C, O>>;
};

/** All that a provider shall hold and is owed; pages are put together by the SDK. */
export interface ReconcileAll {
  readonly bootId: string;
  readonly position: number;
  readonly held: readonly provider.Held[];
  readonly owed: readonly provider.Owed[];
}

/**
 * The handlers of a provider or driver. The SDK keeps the rules of provider@1 for them: a claim's calls come one after
 * another, with numbers that only grow, never past their deadline; an older call in progress was aborted and has settled.
 * Each must be idempotent and must record before it answers.
 */
export interface ProviderHandlers {
  reserve?(request: provider.ReserveRequest, call: CallContext): Promise<provider.ReserveResponseInput>;
  release?(request: provider.ReleaseRequest, call: CallContext): Promise<provider.ReleaseResponseInput>;
  attach?(request: provider.AttachRequest, call: CallContext): Promise<provider.AttachResponseInput>;
  detach?(request: provider.DetachRequest, call: CallContext): Promise<provider.DetachResponseInput>;
  update?(request: provider.UpdateRequest, call: CallContext): Promise<provider.UpdateResponseInput>;
  /** Drops what is not listed, settles what is owed, rebuilds what is held; answers what it lacks and could not remove. */
  reconcile(all: ReconcileAll, call: CallContext): Promise<provider.ReconcileResponseInput>;
  /** For a kind that has drivers: its own objects that one of them holds. */
  list?(request: provider.ListRequest, call: CallContext): Promise<provider.ListResponseInput>;
}

/** An event as a consumer gets it. */
export interface ReceivedEvent<Data = unknown> {
  readonly sequence: number;
  /** container.exited */
  readonly type: string;
  readonly subject: string;
  readonly time: bigint;
  readonly objectSequence: number;
  readonly data: Data;
}

/** What a subscription gives: events in order, and word of what is missing. */
export type EventItem = { readonly type: 'event'; readonly event: ReceivedEvent } | { readonly type: 'gap'; readonly missed: number };

export interface SubscribeOptions {
  /** "container.*", "container.exited", "*". */
  readonly types: readonly string[];
  /** Events after this sequence; absent: from now on. */
  readonly after?: number;
  readonly signal?: AbortSignal;
}

export interface ConsumeOptions {
  /** One filter: "container.*", "container.exited", "*". */
  readonly type: string;
  /** Events after this sequence: the position that the caller kept, 0 for the oldest there is. */
  readonly after: number;
  readonly signal?: AbortSignal;
}

/** What a durable consumer gives. `acknowledge`: this event and all before it are done with, also after a restart. */
export type ConsumedItem =
  | { readonly type: 'event'; readonly event: ReceivedEvent; acknowledge(): void }
  | { readonly type: 'gap'; readonly missed: number };

/** A place for one client of a stream. */
export interface StreamTicket {
  readonly socket: string;
  readonly token: string;
}

/** Everything that a plugin gets from outside; it reads no environment and keeps no module state. */
export interface PluginContext {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly node: string;
  readonly nodeName: string;
  /** Short id of this instance of Cleat, for names of links, tables, cgroups: 8 hex digits, stable over restarts. */
  readonly instanceId: string;
  readonly bootId: string;
  /** The plugin's own, durable; 0700. */
  readonly stateDir: string;
  /** The plugin's own, on tmpfs. */
  readonly runDir: string;
  readonly log: Logger;
  /** Aborted when the plugin is told to stop. */
  readonly signal: AbortSignal;
  readonly tasks: TaskGroup;
  readonly call: Call;
  /** Handles to the drivers of a kind that this plugin provides. */
  readonly drivers: DriverCalls;
  /** Events in order; after a reconnect it reads on where it was. */
  subscribe(options: SubscribeOptions): AsyncIterable<EventItem>;
  /** Events from the durable consumer of this plugin, which the manifest asks for; the position is the caller's to keep. */
  consume(options: ConsumeOptions): AsyncIterable<ConsumedItem>;
  /**
   * An event of an own object, of a type that the manifest declares: durable in the outbox when this resolves, and sent until
   * the kernel has it. Throws `permission_denied` EVENT_NOT_GRANTED, `resource_exhausted` OUTBOX_FULL.
   */
  publish(event: providerTypes.EventInput, options?: PublishOptions): Promise<void>;
  /**
   * Opens a journal below stateDir (in `journal`, or the directory of that name that `dir` gives); one writer, lives as long
   * as the plugin. Throws `conflict` JOURNAL_LOCKED when another instance still has it after 15 s.
   */
  openJournal(options?: Partial<JournalOptions>): Promise<Journal>;
  /** A unix socket for one client; the handler gets the connection after the client has shown its token. */
  offerStream(handler: (connection: Socket) => void | Promise<void>): Promise<StreamTicket>;
  /** The event's data as the record of its type. */
  readonly decodeEvent: (entry: event.Entry) => ReceivedEvent;
}

export interface PublishOptions {
  /** On whose behalf, when it was asked for. */
  readonly actor?: common.ActorInput | undefined;
  /**
   * A name that the plugin wrote down with the change that the event tells of. After a crash it publishes again what it is not
   * sure to have published, under the same key, and it is one event all the same. The last 1,024 keys are remembered.
   */
  readonly key?: string | undefined;
}

/** Calls to the drivers of a kind by `provider@1`. */
export interface DriverCalls {
  /** Names of drivers that are ready. */
  names(kind: string): readonly string[];
  /** The plugin that a driver is, ready or not; undefined when none is installed under that name. */
  pluginOf(driver: { readonly kind: string; readonly name: string }): string | undefined;
  /** Hears of plugins that come, go, and change their state. Returns the function that ends the listening. */
  onChange(listener: () => void): () => void;
  call<O extends keyof Contracts['provider'] & string>(
    driver: { readonly kind: string; readonly name: string },
    operation: O,
    request: Contracts['provider'][O]['input'],
    options?: CallOptions,
  ): Promise<Contracts['provider'][O]['response']>;
}

export interface InterceptorHandlers {
  judge(request: interceptor.JudgeRequest, decoded: unknown, call: CallContext): Promise<interceptor.JudgeResponseInput>;
}

/** What setup gives: the handlers of every role that the manifest names. */
export interface PluginHandlers {
  readonly providers?: Readonly<Record<string, ProviderHandlers>>;
  /** kind/name -> handlers. */
  readonly drivers?: Readonly<Record<string, ProviderHandlers>>;
  readonly services?: { readonly [C in keyof Contracts]?: ServiceHandlers<C> };
  readonly interceptor?: InterceptorHandlers;
  /** Called when the kernel has welcomed the plugin and every reconcile is answered. */
  ready?(): Promise<void> | void;
  /** Called at the end, after the last call is answered. */
  close?(): Promise<void> | void;
}

export interface PluginDefinition {
  readonly manifest: Manifest;
  setup(context: PluginContext): Promise<PluginHandlers> | PluginHandlers;
}

/** A plugin, inert until it is run. */
export function definePlugin(definition: PluginDefinition): PluginDefinition {
  return definition;
}
