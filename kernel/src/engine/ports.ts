import type { Deadline, Logger, TaskGroup } from '@cleat/core';
import type { RuntimePort } from '@cleat/runtime';
import type { Contracts, Grant, ProvidedKind } from '@cleat/schemas';
import type { StreamsClient } from '@cleat/streams';

export type {
  NamespacePaths,
  ProcessStart,
  RunEnd,
  RuntimePort,
  WatchedRun,
} from '@cleat/runtime';

type ProviderOperations = Contracts['provider'];
export type ProviderOperation = keyof ProviderOperations;

/** A kind's provider as the engine sees it. */
export interface ProviderEntry {
  readonly plugin: string;
  readonly kind: ProvidedKind;
  readonly grant: Grant;
  /** It answers calls. */
  readonly isReady: boolean;
}

/** The providers of kinds, whoever they are. */
export interface ProviderPort {
  /** The provider of a kind, ready or not; undefined when none is installed and enabled. */
  find(kind: string): ProviderEntry | undefined;
  /** Waits while the provider is starting. Throws `unavailable` PLUGIN_AWAY, `invalid_argument` KIND_UNKNOWN. */
  ready(kind: string, deadline: Deadline, signal?: AbortSignal): Promise<ProviderEntry>;
  call<O extends ProviderOperation>(
    entry: { readonly plugin: string; readonly kind: string },
    operation: O,
    request: ProviderOperations[O]['input'],
    options: { readonly deadline: Deadline; readonly signal?: AbortSignal | undefined },
  ): Promise<ProviderOperations[O]['response']>;
  /** Checks a claim's options against the schema of its kind. Throws `invalid_argument` CLAIM_OPTIONS. */
  checkOptions(entry: ProviderEntry, options: string): Promise<void>;
}

/** The process that holds attached clients. */
export type StreamsPort = Pick<
  StreamsClient,
  | 'offerAttach'
  | 'offerExec'
  | 'offerWait'
  | 'hasSessions'
  | 'connect'
  | 'connectExec'
  | 'exited'
  | 'exec'
  | 'execExited'
  | 'removed'
  | 'watchExec'
>;

/** What all parts of the engine share. */
export interface EngineHost {
  readonly log: Logger;
  readonly tasks: TaskGroup;
  readonly bootId: string;
  readonly instanceId: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly providers: ProviderPort;
  readonly runtime: RuntimePort;
  readonly streams: StreamsPort;
}
