// Generated from schemas/contracts/image.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';

export interface Health {
  readonly test: ReadonlyArray<string>;
  readonly intervalNs: number;
  readonly timeoutNs: number;
  readonly startPeriodNs: number;
  readonly startIntervalNs: number;
  readonly retries: number;
}

/** What encoding takes for a Health: fields with a default may be left out. */
export interface HealthInput {
  readonly test?: ReadonlyArray<string> | undefined;
  readonly intervalNs?: number | undefined;
  readonly timeoutNs?: number | undefined;
  readonly startPeriodNs?: number | undefined;
  readonly startIntervalNs?: number | undefined;
  readonly retries?: number | undefined;
}

/** Defaults that an image gives to its containers (OCI image configuration, "config"). */
export interface Config {
  readonly user: string;
  readonly exposedPorts: ReadonlyArray<string>;
  readonly env: ReadonlyArray<string>;
  readonly entrypoint: ReadonlyArray<string>;
  readonly cmd: ReadonlyArray<string>;
  readonly volumes: ReadonlyArray<string>;
  readonly workingDir: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal: string;
  readonly shell: ReadonlyArray<string>;
  readonly onBuild: ReadonlyArray<string>;
  readonly healthcheck: null | Health;
  readonly argsEscaped: boolean;
}

/** What encoding takes for a Config: fields with a default may be left out. */
export interface ConfigInput {
  readonly user?: string | undefined;
  readonly exposedPorts?: ReadonlyArray<string> | undefined;
  readonly env?: ReadonlyArray<string> | undefined;
  readonly entrypoint?: ReadonlyArray<string> | undefined;
  readonly cmd?: ReadonlyArray<string> | undefined;
  readonly volumes?: ReadonlyArray<string> | undefined;
  readonly workingDir?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly stopSignal?: string | undefined;
  readonly shell?: ReadonlyArray<string> | undefined;
  readonly onBuild?: ReadonlyArray<string> | undefined;
  readonly healthcheck?: null | HealthInput | undefined;
  readonly argsEscaped?: boolean | undefined;
}

export interface Summary {
  /** sha256:... of the configuration. */
  readonly id: string;
  readonly repoTags: ReadonlyArray<string>;
  readonly repoDigests: ReadonlyArray<string>;
  readonly parent: string;
  readonly createdAt: bigint;
  readonly sizeBytes: number;
  /** Bytes that other images use too; -1: not asked for. */
  readonly sharedBytes: number;
  readonly containers: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** What encoding takes for a Summary: fields with a default may be left out. */
export interface SummaryInput {
  readonly id: string;
  readonly repoTags?: ReadonlyArray<string> | undefined;
  readonly repoDigests?: ReadonlyArray<string> | undefined;
  readonly parent?: string | undefined;
  readonly createdAt?: bigint | undefined;
  readonly sizeBytes?: number | undefined;
  readonly sharedBytes?: number | undefined;
  readonly containers?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface Info {
  readonly summary: Summary;
  readonly config: Config;
  readonly comment: string;
  readonly author: string;
  readonly architecture: string;
  readonly variant: string;
  readonly os: string;
  readonly osVersion: string;
  /** diff ids, lowest first. */
  readonly layers: ReadonlyArray<string>;
  readonly driver: string;
  /** Paths that docker inspect shows. */
  readonly driverData: Readonly<Record<string, string>>;
  readonly taggedAt: bigint;
  readonly dockerVersion: string;
}

/** What encoding takes for a Info: fields with a default may be left out. */
export interface InfoInput {
  readonly summary: SummaryInput;
  readonly config?: ConfigInput | undefined;
  readonly comment?: string | undefined;
  readonly author?: string | undefined;
  readonly architecture?: string | undefined;
  readonly variant?: string | undefined;
  readonly os?: string | undefined;
  readonly osVersion?: string | undefined;
  readonly layers?: ReadonlyArray<string> | undefined;
  readonly driver?: string | undefined;
  readonly driverData?: Readonly<Record<string, string>> | undefined;
  readonly taggedAt?: bigint | undefined;
  readonly dockerVersion?: string | undefined;
}

export interface ReferenceRequest {
  /** Name, name:tag, name@digest, id, or a prefix of an id. */
  readonly image: string;
}

/** What encoding takes for a ReferenceRequest: fields with a default may be left out. */
export interface ReferenceRequestInput {
  readonly image: string;
}

export interface ListRequest {
  readonly all: boolean;
  /** Docker's filters: dangling, label, reference, before, since, until. */
  readonly filters: Readonly<Record<string, ReadonlyArray<string>>>;
  readonly sharedSize: boolean;
}

/** What encoding takes for a ListRequest: fields with a default may be left out. */
export interface ListRequestInput {
  readonly all?: boolean | undefined;
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>> | undefined;
  readonly sharedSize?: boolean | undefined;
}

export interface ListResponse {
  readonly images: ReadonlyArray<Summary>;
}

/** What encoding takes for a ListResponse: fields with a default may be left out. */
export interface ListResponseInput {
  readonly images?: ReadonlyArray<SummaryInput> | undefined;
}

export interface HistoryEntry {
  readonly id: string;
  readonly createdAt: bigint;
  readonly createdBy: string;
  readonly tags: ReadonlyArray<string>;
  readonly sizeBytes: number;
  readonly comment: string;
}

/** What encoding takes for a HistoryEntry: fields with a default may be left out. */
export interface HistoryEntryInput {
  readonly id?: string | undefined;
  readonly createdAt?: bigint | undefined;
  readonly createdBy?: string | undefined;
  readonly tags?: ReadonlyArray<string> | undefined;
  readonly sizeBytes?: number | undefined;
  readonly comment?: string | undefined;
}

export interface HistoryResponse {
  readonly entries: ReadonlyArray<HistoryEntry>;
}

/** What encoding takes for a HistoryResponse: fields with a default may be left out. */
export interface HistoryResponseInput {
  readonly entries?: ReadonlyArray<HistoryEntryInput> | undefined;
}

export interface TagRequest {
  readonly image: string;
  /** name:tag. */
  readonly target: string;
}

/** What encoding takes for a TagRequest: fields with a default may be left out. */
export interface TagRequestInput {
  readonly image: string;
  readonly target: string;
}

export interface RemoveRequest {
  readonly image: string;
  readonly force: boolean;
  readonly noPrune: boolean;
}

/** What encoding takes for a RemoveRequest: fields with a default may be left out. */
export interface RemoveRequestInput {
  readonly image: string;
  readonly force?: boolean | undefined;
  readonly noPrune?: boolean | undefined;
}

export interface RemoveItem {
  readonly untagged: null | string;
  readonly deleted: null | string;
}

/** What encoding takes for a RemoveItem: fields with a default may be left out. */
export interface RemoveItemInput {
  readonly untagged?: null | string | undefined;
  readonly deleted?: null | string | undefined;
}

export interface RemoveResponse {
  readonly items: ReadonlyArray<RemoveItem>;
}

/** What encoding takes for a RemoveResponse: fields with a default may be left out. */
export interface RemoveResponseInput {
  readonly items?: ReadonlyArray<RemoveItemInput> | undefined;
}

export interface PruneRequest {
  readonly filters: Readonly<Record<string, ReadonlyArray<string>>>;
}

/** What encoding takes for a PruneRequest: fields with a default may be left out. */
export interface PruneRequestInput {
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>> | undefined;
}

export interface PruneResponse {
  readonly items: ReadonlyArray<RemoveItem>;
  readonly spaceBytes: number;
}

/** What encoding takes for a PruneResponse: fields with a default may be left out. */
export interface PruneResponseInput {
  readonly items?: ReadonlyArray<RemoveItemInput> | undefined;
  readonly spaceBytes?: number | undefined;
}

/** A place to send bytes to, or to get them from: connect, send the token and a line feed, then the bytes. */
export interface StreamTicket {
  readonly socket: string;
  readonly token: string;
}

/** What encoding takes for a StreamTicket: fields with a default may be left out. */
export interface StreamTicketInput {
  readonly socket: string;
  readonly token: string;
}

/** The client sends a tar (plain, gzip, zstd) and half-closes; the answer is one JSON object a line: {"progress":...}, {"error":...}, {"id":...}. */
export interface ImportRequest {
  /** name:tag, or empty. */
  readonly target: string;
  /** Dockerfile instructions. */
  readonly changes: ReadonlyArray<string>;
  readonly message: string;
  readonly platform: string;
}

/** What encoding takes for a ImportRequest: fields with a default may be left out. */
export interface ImportRequestInput {
  readonly target?: string | undefined;
  readonly changes?: ReadonlyArray<string> | undefined;
  readonly message?: string | undefined;
  readonly platform?: string | undefined;
}

/** As import, with the archive of docker save or an OCI layout. */
export interface LoadRequest {
  readonly quiet: boolean;
}

/** What encoding takes for a LoadRequest: fields with a default may be left out. */
export interface LoadRequestInput {
  readonly quiet?: boolean | undefined;
}

/** The plugin sends a tar. */
export interface SaveRequest {
  readonly images: ReadonlyArray<string>;
}

/** What encoding takes for a SaveRequest: fields with a default may be left out. */
export interface SaveRequestInput {
  readonly images: ReadonlyArray<string>;
}

/** The operations of the contract image. */
export interface Operations {
  /** Images that pass the filters. Fails with IMAGE_FILTER_INVALID. */
  readonly list: { readonly input: ListRequestInput; readonly request: ListRequest; readonly response: ListResponse; readonly answer: ListResponseInput };
  /** One image. Fails with IMAGE_NOT_FOUND. */
  readonly inspect: { readonly input: ReferenceRequestInput; readonly request: ReferenceRequest; readonly response: Info; readonly answer: InfoInput };
  /** How the image was made, newest layer first. Fails with IMAGE_NOT_FOUND. */
  readonly history: { readonly input: ReferenceRequestInput; readonly request: ReferenceRequest; readonly response: HistoryResponse; readonly answer: HistoryResponseInput };
  /** Gives an image one more name; an image that had the name loses it. Fails with IMAGE_NOT_FOUND, IMAGE_REFERENCE_INVALID. */
  readonly tag: { readonly input: TagRequestInput; readonly request: TagRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
  /** Takes a name away, and the image with its last name. Fails with IMAGE_IN_USE, IMAGE_REFERENCED. */
  readonly remove: { readonly input: RemoveRequestInput; readonly request: RemoveRequest; readonly response: RemoveResponse; readonly answer: RemoveResponseInput };
  /** Removes images that nothing uses. */
  readonly prune: { readonly input: PruneRequestInput; readonly request: PruneRequest; readonly response: PruneResponse; readonly answer: PruneResponseInput };
  /** A place to send the archive of a file system to, which becomes an image of one layer. */
  readonly import: { readonly input: ImportRequestInput; readonly request: ImportRequest; readonly response: StreamTicket; readonly answer: StreamTicketInput };
  /** A place to send an archive of images to. */
  readonly load: { readonly input: LoadRequestInput; readonly request: LoadRequest; readonly response: StreamTicket; readonly answer: StreamTicketInput };
  /** A place to get an archive of images from. Fails with IMAGE_NOT_FOUND. */
  readonly save: { readonly input: SaveRequestInput; readonly request: SaveRequest; readonly response: StreamTicket; readonly answer: StreamTicketInput };
}
