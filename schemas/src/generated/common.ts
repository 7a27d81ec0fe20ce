// Generated from schemas/contracts/common.avdl by "npm run generate": do not edit.

/** Nothing to say. */
export interface Empty {
}

/** What encoding takes for a Empty: fields with a default may be left out. */
export interface EmptyInput {
}

/** An error as it travels; class and code as in docs/reference/errors.md. */
export interface ErrorInfo {
  /** One of the error classes; a reader treats one it does not know as internal. */
  readonly class: string;
  /** Stable code, upper case: NETWORK_ADDRESS_POOL_EMPTY. */
  readonly code: string;
  /** A sentence for the user: what failed, and on what. */
  readonly message: string;
  /** What the user can do about it. */
  readonly hint: null | string;
  /** The plugin that raised it, or that failed to answer. */
  readonly plugin: null | string;
  /** The same request sent again may succeed. */
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string>>;
}

/** What encoding takes for a ErrorInfo: fields with a default may be left out. */
export interface ErrorInfoInput {
  readonly class: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: null | string | undefined;
  readonly plugin?: null | string | undefined;
  readonly retryable?: boolean | undefined;
  readonly details?: Readonly<Record<string, string>> | undefined;
}

/** Sent by whoever works on a call, at least every two seconds. */
export interface Progress {
  readonly message: string;
  /** What the numbers are about: a layer, a file. */
  readonly item: string;
  readonly current: number;
  /** 0 when not known. */
  readonly total: number;
}

/** What encoding takes for a Progress: fields with a default may be left out. */
export interface ProgressInput {
  readonly message?: string | undefined;
  readonly item?: string | undefined;
  readonly current?: number | undefined;
  readonly total?: number | undefined;
}

/** On whose behalf, and through whom, something was asked. */
export interface Actor {
  /** TLS name, "uid:1000", or "plugin:NAME". */
  readonly principal: string;
  /** The participant on the bus that sent the request. */
  readonly caller: string;
  /** The operation id that the request carried. */
  readonly operation: string;
}

/** What encoding takes for a Actor: fields with a default may be left out. */
export interface ActorInput {
  readonly principal?: string | undefined;
  readonly caller?: string | undefined;
  readonly operation?: string | undefined;
}

/** A run of ids inside a user namespace (user_namespaces(7)). */
export interface IdRange {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

/** What encoding takes for a IdRange: fields with a default may be left out. */
export interface IdRangeInput {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

/** How a container's user and group ids map to the host's; empty lists: no mapping. */
export interface IdMapping {
  readonly uids: ReadonlyArray<IdRange>;
  readonly gids: ReadonlyArray<IdRange>;
}

/** What encoding takes for a IdMapping: fields with a default may be left out. */
export interface IdMappingInput {
  readonly uids?: ReadonlyArray<IdRangeInput> | undefined;
  readonly gids?: ReadonlyArray<IdRangeInput> | undefined;
}

/** A device node of the host, made in the container. */
export interface Device {
  readonly hostPath: string;
  readonly containerPath: string;
  /** Letters of r, w, m (cgroup device rules). */
  readonly permissions: string;
}

/** What encoding takes for a Device: fields with a default may be left out. */
export interface DeviceInput {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly permissions?: string | undefined;
}

/** Name servers and search list for /etc/resolv.conf (resolv.conf(5)). */
export interface Dns {
  readonly servers: ReadonlyArray<string>;
  readonly search: ReadonlyArray<string>;
  readonly options: ReadonlyArray<string>;
}

/** What encoding takes for a Dns: fields with a default may be left out. */
export interface DnsInput {
  readonly servers?: ReadonlyArray<string> | undefined;
  readonly search?: ReadonlyArray<string> | undefined;
  readonly options?: ReadonlyArray<string> | undefined;
}
