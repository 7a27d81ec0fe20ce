// Generated from schemas/contracts/volume.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';

export interface Info {
  readonly name: string;
  readonly driver: string;
  readonly mountpoint: string;
  readonly createdAt: bigint;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** local or global. */
  readonly scope: string;
  /** JSON text of the driver. */
  readonly status: string;
  readonly anonymous: boolean;
  /** Claims that hold it. */
  readonly references: number;
  /** -1: not known. */
  readonly sizeBytes: number;
}

/** What encoding takes for a Info: fields with a default may be left out. */
export interface InfoInput {
  readonly name: string;
  readonly driver?: string | undefined;
  readonly mountpoint?: string | undefined;
  readonly createdAt?: bigint | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly scope?: string | undefined;
  readonly status?: string | undefined;
  readonly anonymous?: boolean | undefined;
  readonly references?: number | undefined;
  readonly sizeBytes?: number | undefined;
}

export interface CreateRequest {
  /** Empty: one is made. */
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** What encoding takes for a CreateRequest: fields with a default may be left out. */
export interface CreateRequestInput {
  readonly name?: string | undefined;
  readonly driver?: string | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface ListRequest {
  /** Docker's filters: name, label, driver, dangling. */
  readonly filters: Readonly<Record<string, ReadonlyArray<string>>>;
  readonly sizes: boolean;
}

/** What encoding takes for a ListRequest: fields with a default may be left out. */
export interface ListRequestInput {
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>> | undefined;
  readonly sizes?: boolean | undefined;
}

export interface ListResponse {
  readonly volumes: ReadonlyArray<Info>;
  readonly warnings: ReadonlyArray<string>;
}

/** What encoding takes for a ListResponse: fields with a default may be left out. */
export interface ListResponseInput {
  readonly volumes?: ReadonlyArray<InfoInput> | undefined;
  readonly warnings?: ReadonlyArray<string> | undefined;
}

export interface NameRequest {
  readonly name: string;
}

/** What encoding takes for a NameRequest: fields with a default may be left out. */
export interface NameRequestInput {
  readonly name: string;
}

export interface RemoveRequest {
  readonly name: string;
  readonly force: boolean;
}

/** What encoding takes for a RemoveRequest: fields with a default may be left out. */
export interface RemoveRequestInput {
  readonly name: string;
  readonly force?: boolean | undefined;
}

export interface PruneRequest {
  readonly filters: Readonly<Record<string, ReadonlyArray<string>>>;
  readonly all: boolean;
}

/** What encoding takes for a PruneRequest: fields with a default may be left out. */
export interface PruneRequestInput {
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>> | undefined;
  readonly all?: boolean | undefined;
}

export interface PruneResponse {
  readonly removed: ReadonlyArray<string>;
  readonly spaceBytes: number;
}

/** What encoding takes for a PruneResponse: fields with a default may be left out. */
export interface PruneResponseInput {
  readonly removed?: ReadonlyArray<string> | undefined;
  readonly spaceBytes?: number | undefined;
}

/** The operations of the contract volume. */
export interface Operations {
  /** Makes a volume; one of that name and driver that is there already is answered. Fails with VOLUME_NAME_INVALID, VOLUME_OPTION_UNSUPPORTED. */
  readonly create: { readonly input: CreateRequestInput; readonly request: CreateRequest; readonly response: Info; readonly answer: InfoInput };
  /** One volume. Fails with VOLUME_NOT_FOUND. */
  readonly inspect: { readonly input: NameRequestInput; readonly request: NameRequest; readonly response: Info; readonly answer: InfoInput };
  /** Volumes that pass the filters. Fails with VOLUME_FILTER_INVALID. */
  readonly list: { readonly input: ListRequestInput; readonly request: ListRequest; readonly response: ListResponse; readonly answer: ListResponseInput };
  /** Removes a volume with its data. Fails with VOLUME_IN_USE, VOLUME_NOT_FOUND without `force`. */
  readonly remove: { readonly input: RemoveRequestInput; readonly request: RemoveRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
  /** Removes volumes that no container holds: anonymous ones, or all. */
  readonly prune: { readonly input: PruneRequestInput; readonly request: PruneRequest; readonly response: PruneResponse; readonly answer: PruneResponseInput };
}
