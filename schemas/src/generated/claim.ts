// Generated from schemas/contracts/claim.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';
import type { Claim as ContainerTypesClaim, ClaimInput as ContainerTypesClaimInput } from './container-types.ts';

export interface AddRequest {
  readonly container: string;
  readonly claim: ContainerTypesClaim;
}

/** What encoding takes for a AddRequest: fields with a default may be left out. */
export interface AddRequestInput {
  readonly container: string;
  readonly claim: ContainerTypesClaimInput;
}

export interface AddResponse {
  /** The provider's status. */
  readonly status: string;
  readonly warnings: ReadonlyArray<string>;
}

/** What encoding takes for a AddResponse: fields with a default may be left out. */
export interface AddResponseInput {
  readonly status?: string | undefined;
  readonly warnings?: ReadonlyArray<string> | undefined;
}

export interface RemoveRequest {
  readonly container: string;
  readonly claim: string;
  readonly force: boolean;
}

/** What encoding takes for a RemoveRequest: fields with a default may be left out. */
export interface RemoveRequestInput {
  readonly container: string;
  readonly claim: string;
  readonly force?: boolean | undefined;
}

export interface UpdateRequest {
  readonly container: string;
  readonly claim: string;
  readonly options: string;
}

/** What encoding takes for a UpdateRequest: fields with a default may be left out. */
export interface UpdateRequestInput {
  readonly container: string;
  readonly claim: string;
  readonly options: string;
}

export interface UpdateResponse {
  readonly status: string;
}

/** What encoding takes for a UpdateResponse: fields with a default may be left out. */
export interface UpdateResponseInput {
  readonly status?: string | undefined;
}

/** The operations of the contract claim. */
export interface Operations {
  /** Gives an existing container one more claim, reserved now and attached if it runs. Fails with CLAIM_EXISTS; with CLAIM_NEEDS_START when a running container would need a new spec for it. */
  readonly add: { readonly input: AddRequestInput; readonly request: AddRequest; readonly response: AddResponse; readonly answer: AddResponseInput };
  /** Takes a claim from a container. Fails with CLAIM_IN_USE for one that the running process was built on. */
  readonly remove: { readonly input: RemoveRequestInput; readonly request: RemoveRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
  /** Changes the options of a claim, by the provider's update. Fails with CLAIM_OPTIONS when they do not fit the schema of the kind. */
  readonly update: { readonly input: UpdateRequestInput; readonly request: UpdateRequest; readonly response: UpdateResponse; readonly answer: UpdateResponseInput };
}
