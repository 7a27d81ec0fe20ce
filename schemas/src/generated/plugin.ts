// Generated from schemas/contracts/plugin.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';

export interface ListRequest {
}

/** What encoding takes for a ListRequest: fields with a default may be left out. */
export interface ListRequestInput {
}

export interface Info {
  readonly name: string;
  readonly version: string;
  /** installed, starting, ready, unresponsive, incompatible, stopped, disabled, failed. */
  readonly state: string;
  /** Why it is not ready. */
  readonly reason: string;
  readonly enabled: boolean;
  /** default: part of Cleat; third-party. */
  readonly origin: string;
  /** Process group it runs in; plugins with the same one share a process. */
  readonly process: string;
  readonly pid: number;
  /** JSON text of its manifest. */
  readonly manifest: string;
  /** JSON text of what it was granted. */
  readonly grant: string;
  readonly restarts: number;
  readonly readySince: bigint;
}

/** What encoding takes for a Info: fields with a default may be left out. */
export interface InfoInput {
  readonly name: string;
  readonly version?: string | undefined;
  readonly state: string;
  readonly reason?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly origin?: string | undefined;
  readonly process?: string | undefined;
  readonly pid?: number | undefined;
  readonly manifest?: string | undefined;
  readonly grant?: string | undefined;
  readonly restarts?: number | undefined;
  readonly readySince?: bigint | undefined;
}

export interface ListResponse {
  readonly plugins: ReadonlyArray<Info>;
}

/** What encoding takes for a ListResponse: fields with a default may be left out. */
export interface ListResponseInput {
  readonly plugins?: ReadonlyArray<InfoInput> | undefined;
}

export interface InspectRequest {
  readonly name: string;
}

/** What encoding takes for a InspectRequest: fields with a default may be left out. */
export interface InspectRequestInput {
  readonly name: string;
}

export interface InstallRequest {
  /** Directory with a manifest.json, on the node. */
  readonly directory: string;
  /** JSON text of the grant that the user accepted; empty: exactly what the manifest asks for. */
  readonly grant: string;
  readonly enable: boolean;
}

/** What encoding takes for a InstallRequest: fields with a default may be left out. */
export interface InstallRequestInput {
  readonly directory: string;
  readonly grant?: string | undefined;
  readonly enable?: boolean | undefined;
}

export interface NameRequest {
  readonly name: string;
  readonly force: boolean;
}

/** What encoding takes for a NameRequest: fields with a default may be left out. */
export interface NameRequestInput {
  readonly name: string;
  readonly force?: boolean | undefined;
}

export interface LogsRequest {
  readonly name: string;
  readonly tail: number;
}

/** What encoding takes for a LogsRequest: fields with a default may be left out. */
export interface LogsRequestInput {
  readonly name: string;
  readonly tail?: number | undefined;
}

export interface LogsResponse {
  /** The log file on the node. */
  readonly path: string;
  readonly lines: ReadonlyArray<string>;
}

/** What encoding takes for a LogsResponse: fields with a default may be left out. */
export interface LogsResponseInput {
  readonly path: string;
  readonly lines?: ReadonlyArray<string> | undefined;
}

export interface ConsumerAddRequest {
  readonly name: string;
  /** "container.*", "container.exited", "*". */
  readonly type: string;
  /** Start after this sequence; -1: now; 0: the oldest kept. */
  readonly after: number;
}

/** What encoding takes for a ConsumerAddRequest: fields with a default may be left out. */
export interface ConsumerAddRequestInput {
  readonly name: string;
  readonly type?: string | undefined;
  readonly after?: number | undefined;
}

export interface ConsumerAddResponse {
  readonly name: string;
  readonly url: string;
  /** Content of a credentials file. Shown once. */
  readonly credentials: string;
  readonly consumer: string;
  readonly subject: string;
}

/** What encoding takes for a ConsumerAddResponse: fields with a default may be left out. */
export interface ConsumerAddResponseInput {
  readonly name: string;
  readonly url: string;
  readonly credentials: string;
  readonly consumer: string;
  readonly subject: string;
}

export interface ConsumerInfo {
  readonly name: string;
  readonly type: string;
  /** Acknowledged up to this sequence. */
  readonly position: number;
  readonly pending: number;
  readonly gone: boolean;
}

/** What encoding takes for a ConsumerInfo: fields with a default may be left out. */
export interface ConsumerInfoInput {
  readonly name: string;
  readonly type: string;
  readonly position: number;
  readonly pending: number;
  readonly gone?: boolean | undefined;
}

export interface ConsumerListResponse {
  readonly consumers: ReadonlyArray<ConsumerInfo>;
}

/** What encoding takes for a ConsumerListResponse: fields with a default may be left out. */
export interface ConsumerListResponseInput {
  readonly consumers?: ReadonlyArray<ConsumerInfoInput> | undefined;
}

/** The operations of the contract plugin. */
export interface Operations {
  /** Every plugin that is installed. */
  readonly list: { readonly input: ListRequestInput; readonly request: ListRequest; readonly response: ListResponse; readonly answer: ListResponseInput };
  /** One plugin, with manifest and grant. Fails with PLUGIN_NOT_FOUND. */
  readonly inspect: { readonly input: InspectRequestInput; readonly request: InspectRequest; readonly response: Info; readonly answer: InfoInput };
  /** Installs a plugin from a directory, over an earlier version of it if there is one, and starts it. Fails with MANIFEST_MISSING, MANIFEST_INVALID, KIND_TAKEN, DRIVER_TAKEN. */
  readonly install: { readonly input: InstallRequestInput; readonly request: InstallRequest; readonly response: Info; readonly answer: InfoInput };
  /** Starts it, now and with every start of the platform. */
  readonly enable: { readonly input: NameRequestInput; readonly request: NameRequest; readonly response: Info; readonly answer: InfoInput };
  /** Stops it. Fails with PLUGIN_IN_USE and DRIVER_IN_USE without `force`; with it containers run on, what should be undone is owed, and what it drives stays, unavailable. */
  readonly disable: { readonly input: NameRequestInput; readonly request: NameRequest; readonly response: Info; readonly answer: InfoInput };
  /** Uninstalls it; its credentials end. Fails with PLUGIN_IN_USE and DRIVER_IN_USE without `force`, PLUGIN_DEFAULT. */
  readonly remove: { readonly input: NameRequestInput; readonly request: NameRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
  /** The last lines that it wrote. */
  readonly logs: { readonly input: LogsRequestInput; readonly request: LogsRequest; readonly response: LogsResponse; readonly answer: LogsResponseInput };
  /** Credentials and a durable position for a program outside the platform. Fails with CONSUMER_EXISTS, CONSUMER_NAME. */
  readonly consumerAdd: { readonly input: ConsumerAddRequestInput; readonly request: ConsumerAddRequest; readonly response: ConsumerAddResponse; readonly answer: ConsumerAddResponseInput };
  /** Consumers outside the platform, and where each stands. */
  readonly consumerList: { readonly input: ListRequestInput; readonly request: ListRequest; readonly response: ConsumerListResponse; readonly answer: ConsumerListResponseInput };
  /** Ends a consumer; its credentials end. Fails with CONSUMER_NOT_FOUND. */
  readonly consumerRemove: { readonly input: NameRequestInput; readonly request: NameRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
}
