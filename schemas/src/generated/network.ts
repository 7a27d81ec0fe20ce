// Generated from schemas/contracts/network.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';

export interface Pool {
  readonly subnet: string;
  readonly range: string;
  readonly gateway: string;
  readonly auxiliary: Readonly<Record<string, string>>;
}

/** What encoding takes for a Pool: fields with a default may be left out. */
export interface PoolInput {
  readonly subnet?: string | undefined;
  readonly range?: string | undefined;
  readonly gateway?: string | undefined;
  readonly auxiliary?: Readonly<Record<string, string>> | undefined;
}

export interface Endpoint {
  readonly id: string;
  readonly container: string;
  readonly name: string;
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** What encoding takes for a Endpoint: fields with a default may be left out. */
export interface EndpointInput {
  readonly id: string;
  readonly container: string;
  readonly name?: string | undefined;
  readonly mac?: string | undefined;
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
}

export interface Info {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly scope: string;
  readonly createdAt: bigint;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly ipamDriver: string;
  readonly ipamOptions: Readonly<Record<string, string>>;
  readonly pools: ReadonlyArray<Pool>;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly endpoints: ReadonlyArray<Endpoint>;
  /** One of the networks that are always there. */
  readonly predefined: boolean;
}

/** What encoding takes for a Info: fields with a default may be left out. */
export interface InfoInput {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly scope?: string | undefined;
  readonly createdAt?: bigint | undefined;
  readonly internal?: boolean | undefined;
  readonly attachable?: boolean | undefined;
  readonly ipv4?: boolean | undefined;
  readonly ipv6?: boolean | undefined;
  readonly ipamDriver?: string | undefined;
  readonly ipamOptions?: Readonly<Record<string, string>> | undefined;
  readonly pools?: ReadonlyArray<PoolInput> | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly endpoints?: ReadonlyArray<EndpointInput> | undefined;
  readonly predefined?: boolean | undefined;
}

export interface CreateRequest {
  readonly name: string;
  readonly driver: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly ipamDriver: string;
  readonly ipamOptions: Readonly<Record<string, string>>;
  readonly pools: ReadonlyArray<Pool>;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** What encoding takes for a CreateRequest: fields with a default may be left out. */
export interface CreateRequestInput {
  readonly name: string;
  readonly driver?: string | undefined;
  readonly internal?: boolean | undefined;
  readonly attachable?: boolean | undefined;
  readonly ipv4?: boolean | undefined;
  readonly ipv6?: boolean | undefined;
  readonly ipamDriver?: string | undefined;
  readonly ipamOptions?: Readonly<Record<string, string>> | undefined;
  readonly pools?: ReadonlyArray<PoolInput> | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface CreateResponse {
  readonly id: string;
  readonly warnings: ReadonlyArray<string>;
}

/** What encoding takes for a CreateResponse: fields with a default may be left out. */
export interface CreateResponseInput {
  readonly id: string;
  readonly warnings?: ReadonlyArray<string> | undefined;
}

export interface ListRequest {
  /** Docker's filters: name, id, driver, label, scope, type, dangling. */
  readonly filters: Readonly<Record<string, ReadonlyArray<string>>>;
}

/** What encoding takes for a ListRequest: fields with a default may be left out. */
export interface ListRequestInput {
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>> | undefined;
}

export interface ListResponse {
  readonly networks: ReadonlyArray<Info>;
}

/** What encoding takes for a ListResponse: fields with a default may be left out. */
export interface ListResponseInput {
  readonly networks?: ReadonlyArray<InfoInput> | undefined;
}

export interface NameRequest {
  /** Name, id, or a prefix of an id. */
  readonly network: string;
}

/** What encoding takes for a NameRequest: fields with a default may be left out. */
export interface NameRequestInput {
  readonly network: string;
}

export interface PruneRequest {
  readonly filters: Readonly<Record<string, ReadonlyArray<string>>>;
}

/** What encoding takes for a PruneRequest: fields with a default may be left out. */
export interface PruneRequestInput {
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>> | undefined;
}

export interface PruneResponse {
  readonly removed: ReadonlyArray<string>;
}

/** What encoding takes for a PruneResponse: fields with a default may be left out. */
export interface PruneResponseInput {
  readonly removed?: ReadonlyArray<string> | undefined;
}

/** The operations of the contract network. */
export interface Operations {
  /** Makes a network. Fails with NETWORK_NAME_TAKEN, NETWORK_POOL_OVERLAPS, NETWORK_DRIVER_NOT_FOUND. */
  readonly create: { readonly input: CreateRequestInput; readonly request: CreateRequest; readonly response: CreateResponse; readonly answer: CreateResponseInput };
  /** One network with its endpoints. Fails with NETWORK_NOT_FOUND, NETWORK_AMBIGUOUS. */
  readonly inspect: { readonly input: NameRequestInput; readonly request: NameRequest; readonly response: Info; readonly answer: InfoInput };
  /** Networks that pass the filters. Fails with NETWORK_FILTER_INVALID. */
  readonly list: { readonly input: ListRequestInput; readonly request: ListRequest; readonly response: ListResponse; readonly answer: ListResponseInput };
  /** Removes a network. Fails with NETWORK_IN_USE, NETWORK_PREDEFINED. */
  readonly remove: { readonly input: NameRequestInput; readonly request: NameRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
  /** Removes networks that no container uses. */
  readonly prune: { readonly input: PruneRequestInput; readonly request: PruneRequest; readonly response: PruneResponse; readonly answer: PruneResponseInput };
}
