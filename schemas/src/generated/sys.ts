// Generated from schemas/contracts/sys.avdl by "npm run generate": do not edit.
import type { Actor as CommonActor, ActorInput as CommonActorInput, Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';
import type { Event as ProviderTypesEvent, EventInput as ProviderTypesEventInput } from './provider-types.ts';

export interface BeatRequest {
  readonly instance: string;
  /** Events accepted into the outbox and not yet sent. */
  readonly backlog: number;
}

/** What encoding takes for a BeatRequest: fields with a default may be left out. */
export interface BeatRequestInput {
  readonly instance: string;
  readonly backlog?: number | undefined;
}

/** known false: say hello again. */
export interface BeatResponse {
  readonly known: boolean;
}

/** What encoding takes for a BeatResponse: fields with a default may be left out. */
export interface BeatResponseInput {
  readonly known?: boolean | undefined;
}

export interface ReadyRequest {
  readonly instance: string;
}

/** What encoding takes for a ReadyRequest: fields with a default may be left out. */
export interface ReadyRequestInput {
  readonly instance: string;
}

export interface EventRequest {
  /** Identity of the plugin's store: numbers count from 1 in it. */
  readonly store: string;
  readonly number: number;
  readonly event: ProviderTypesEvent;
  readonly actor: CommonActor;
}

/** What encoding takes for a EventRequest: fields with a default may be left out. */
export interface EventRequestInput {
  readonly store: string;
  readonly number: number;
  readonly event: ProviderTypesEventInput;
  readonly actor?: CommonActorInput | undefined;
}

export interface EventResponse {
  /** The highest number of the store that is durable. */
  readonly durable: number;
}

/** What encoding takes for a EventResponse: fields with a default may be left out. */
export interface EventResponseInput {
  readonly durable: number;
}

export interface RegistryRequest {
}

/** What encoding takes for a RegistryRequest: fields with a default may be left out. */
export interface RegistryRequestInput {
}

export interface Participant {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  /** kind or contract -> versions it named at hello. */
  readonly contracts: Readonly<Record<string, ReadonlyArray<string>>>;
  /** Addresses it answers: volume, provider.volume, provider.volume-driver.sshfs. */
  readonly addresses: ReadonlyArray<string>;
  /** contract.operation, for an interceptor. */
  readonly intercepts: ReadonlyArray<string>;
  /** Its calls come from this account. */
  readonly key: string;
  /** It may name another principal than itself. */
  readonly speaksFor: boolean;
}

/** What encoding takes for a Participant: fields with a default may be left out. */
export interface ParticipantInput {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  readonly contracts?: Readonly<Record<string, ReadonlyArray<string>>> | undefined;
  readonly addresses?: ReadonlyArray<string> | undefined;
  readonly intercepts?: ReadonlyArray<string> | undefined;
  readonly key?: string | undefined;
  readonly speaksFor?: boolean | undefined;
}

export interface RegistryResponse {
  readonly position: number;
  readonly participants: ReadonlyArray<Participant>;
}

/** What encoding takes for a RegistryResponse: fields with a default may be left out. */
export interface RegistryResponseInput {
  readonly position: number;
  readonly participants?: ReadonlyArray<ParticipantInput> | undefined;
}

export interface SchemaRequest {
  readonly fingerprint: string;
}

/** What encoding takes for a SchemaRequest: fields with a default may be left out. */
export interface SchemaRequestInput {
  readonly fingerprint: string;
}

export interface SchemaResponse {
  readonly contract: string;
  readonly version: string;
  /** Avro schema as JSON text. */
  readonly schema: string;
}

/** What encoding takes for a SchemaResponse: fields with a default may be left out. */
export interface SchemaResponseInput {
  readonly contract: string;
  readonly version: string;
  readonly schema: string;
}

/** The operations of the contract sys. */
export interface Operations {
  /** The plugin is set up. Answered when every reconcile has been; until then it gets no other call. Fails with HELLO_FIRST. */
  readonly ready: { readonly input: ReadyRequestInput; readonly request: ReadyRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
  /** It is alive. `known` false: say hello again. */
  readonly beat: { readonly input: BeatRequestInput; readonly request: BeatRequest; readonly response: BeatResponse; readonly answer: BeatResponseInput };
  /** An event of an own object; answered when it is durable. Fails with EVENT_NOT_GRANTED, EVENT_NUMBER. */
  readonly event: { readonly input: EventRequestInput; readonly request: EventRequest; readonly response: EventResponse; readonly answer: EventResponseInput };
  /** Who is there, what each answers, and which account it calls from. */
  readonly registry: { readonly input: RegistryRequestInput; readonly request: RegistryRequest; readonly response: RegistryResponse; readonly answer: RegistryResponseInput };
  /** The schema of a fingerprint, complete in itself. Fails with SCHEMA_UNKNOWN. */
  readonly schema: { readonly input: SchemaRequestInput; readonly request: SchemaRequest; readonly response: SchemaResponse; readonly answer: SchemaResponseInput };
}
