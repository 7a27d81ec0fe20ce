// Generated from schemas/contracts/event.avdl by "npm run generate": do not edit.
import type { Actor as CommonActor, ActorInput as CommonActorInput } from './common.ts';

/** Of a container; which types carry it: docs/reference/events.md. */
export interface Container {
  readonly actor: CommonActor;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What encoding takes for a Container: fields with a default may be left out. */
export interface ContainerInput {
  readonly actor?: CommonActorInput | undefined;
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

export interface ContainerExited {
  readonly actor: CommonActor;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly run: number;
  /** Nanoseconds between start and exit. */
  readonly durationNs: number;
}

/** What encoding takes for a ContainerExited: fields with a default may be left out. */
export interface ContainerExitedInput {
  readonly actor?: CommonActorInput | undefined;
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly exitCode: number;
  readonly oomKilled?: boolean | undefined;
  readonly run?: number | undefined;
  readonly durationNs?: number | undefined;
}

export interface ContainerKilled {
  readonly actor: CommonActor;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly signal: number;
}

/** What encoding takes for a ContainerKilled: fields with a default may be left out. */
export interface ContainerKilledInput {
  readonly actor?: CommonActorInput | undefined;
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly signal: number;
}

export interface ContainerRenamed {
  readonly actor: CommonActor;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly oldName: string;
}

/** What encoding takes for a ContainerRenamed: fields with a default may be left out. */
export interface ContainerRenamedInput {
  readonly actor?: CommonActorInput | undefined;
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly oldName: string;
}

/** container.exec-created, exec-started, exec-exited: of a process beside the first. */
export interface ContainerExec {
  readonly actor: CommonActor;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly exec: string;
  readonly args: ReadonlyArray<string>;
  readonly exitCode: null | number;
}

/** What encoding takes for a ContainerExec: fields with a default may be left out. */
export interface ContainerExecInput {
  readonly actor?: CommonActorInput | undefined;
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly exec: string;
  readonly args?: ReadonlyArray<string> | undefined;
  readonly exitCode?: null | number | undefined;
}

/** Of a plugin that is installed, ready, lost, ... */
export interface Plugin {
  readonly actor: CommonActor;
  readonly name: string;
  readonly version: string;
  readonly reason: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** What encoding takes for a Plugin: fields with a default may be left out. */
export interface PluginInput {
  readonly actor?: CommonActorInput | undefined;
  readonly name: string;
  readonly version?: string | undefined;
  readonly reason?: string | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/** Of an object that a plugin owns: volume.created, network.connected, image.tagged. */
export interface Object {
  readonly actor: CommonActor;
  readonly labels: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
}

/** What encoding takes for a Object: fields with a default may be left out. */
export interface ObjectInput {
  readonly actor?: CommonActorInput | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/** Of the node itself. */
export interface Node {
  readonly reason: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** What encoding takes for a Node: fields with a default may be left out. */
export interface NodeInput {
  readonly reason?: string | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/** One event with its attributes, as the list gives it. */
export interface Entry {
  readonly sequence: number;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: bigint;
  readonly objectSequence: number;
  readonly schema: string;
  readonly data: Uint8Array;
}

/** What encoding takes for a Entry: fields with a default may be left out. */
export interface EntryInput {
  readonly sequence: number;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: bigint;
  readonly objectSequence?: number | undefined;
  readonly schema: string;
  readonly data: Uint8Array;
}

export interface ListRequest {
  /** Events after this sequence; -1: use the times. */
  readonly after: number;
  /** 0: no bound. */
  readonly since: bigint;
  readonly until: bigint;
  /** Only these types ("container.*", "container.exited"); empty: all that the grant allows. */
  readonly types: ReadonlyArray<string>;
  readonly limit: number;
}

/** What encoding takes for a ListRequest: fields with a default may be left out. */
export interface ListRequestInput {
  readonly after?: number | undefined;
  readonly since?: bigint | undefined;
  readonly until?: bigint | undefined;
  readonly types?: ReadonlyArray<string> | undefined;
  readonly limit?: number | undefined;
}

export interface ListResponse {
  readonly events: ReadonlyArray<Entry>;
  /** Sequence of the last event looked at: where to go on. */
  readonly position: number;
  /** The newest sequence of the node. */
  readonly newest: number;
  /** Events after the position asked for that are gone, by retention. */
  readonly missed: number;
}

/** What encoding takes for a ListResponse: fields with a default may be left out. */
export interface ListResponseInput {
  readonly events?: ReadonlyArray<EntryInput> | undefined;
  readonly position: number;
  readonly newest: number;
  readonly missed?: number | undefined;
}

export interface OpenRequest {
  /** Where to go on: events after this sequence. */
  readonly after: number;
  /** One filter: "container.*", "container.exited", "*". */
  readonly type: string;
}

/** What encoding takes for a OpenRequest: fields with a default may be left out. */
export interface OpenRequestInput {
  readonly after: number;
  readonly type?: string | undefined;
}

export interface OpenResponse {
  /** The consumer begins after this sequence. */
  readonly after: number;
  /** How many events after the position asked for are gone. */
  readonly missed: number;
  /** The name of the JetStream consumer. */
  readonly consumer: string;
  /** sequence = stream sequence + base. */
  readonly base: number;
  readonly node: string;
}

/** What encoding takes for a OpenResponse: fields with a default may be left out. */
export interface OpenResponseInput {
  readonly after: number;
  readonly missed?: number | undefined;
  readonly consumer: string;
  readonly base: number;
  readonly node: string;
}

/** The operations of the contract event. */
export interface Operations {
  /** Events after a position or between two times, from the kernel's journal: it works while the stream is away. Of what the caller's grant lets it see. */
  readonly list: { readonly input: ListRequestInput; readonly request: ListRequest; readonly response: ListResponse; readonly answer: ListResponseInput };
  /** Makes sure of the caller's durable consumer and tells where it stands. Called at every connect, after an empty pull, and when a pull ends because the consumer is gone. Fails with CONSUMER_NOT_GRANTED, EVENTS_NOT_GRANTED, STREAM_REBUILDING (retryable). */
  readonly open: { readonly input: OpenRequestInput; readonly request: OpenRequest; readonly response: OpenResponse; readonly answer: OpenResponseInput };
}
