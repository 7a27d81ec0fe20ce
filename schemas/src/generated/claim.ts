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
  readonly add: { readonly input: AddRequestInput; readonly request: AddRequest; readonly response: AddResponse; readonly answer: AddResponseInput };
  readonly remove: { readonly input: RemoveRequestInput; readonly request: RemoveRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
  readonly update: { readonly input: UpdateRequestInput; readonly request: UpdateRequest; readonly response: UpdateResponse; readonly answer: UpdateResponseInput };
}
