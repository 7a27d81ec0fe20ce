// Generated from schemas/contracts/view.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';

export interface OpenRequest {
  readonly container: string;
  /** root: the root file system alone; all: with every mount, as the process would see it. */
  readonly scope: string;
  readonly leaseMs: number;
}

/** What encoding takes for a OpenRequest: fields with a default may be left out. */
export interface OpenRequestInput {
  readonly container: string;
  readonly scope?: string | undefined;
  readonly leaseMs?: number | undefined;
}

export interface OpenResponse {
  readonly view: string;
  /** Host path of the tree; open what is below it with RESOLVE_IN_ROOT (openat2(2)) only. */
  readonly path: string;
  /** It is the running container's own file system. */
  readonly running: boolean;
}

/** What encoding takes for a OpenResponse: fields with a default may be left out. */
export interface OpenResponseInput {
  readonly view: string;
  readonly path: string;
  readonly running?: boolean | undefined;
}

export interface RenewRequest {
  readonly view: string;
  readonly leaseMs: number;
}

/** What encoding takes for a RenewRequest: fields with a default may be left out. */
export interface RenewRequestInput {
  readonly view: string;
  readonly leaseMs?: number | undefined;
}

export interface CloseRequest {
  readonly view: string;
}

/** What encoding takes for a CloseRequest: fields with a default may be left out. */
export interface CloseRequestInput {
  readonly view: string;
}

/** The operations of the contract view. */
export interface Operations {
  /** Opens the file system of a container, running or not. Fails with CONTAINER_NOT_FOUND, VIEW_SCOPE. */
  readonly open: { readonly input: OpenRequestInput; readonly request: OpenRequest; readonly response: OpenResponse; readonly answer: OpenResponseInput };
  /** Keeps it for another lease. Fails with VIEW_NOT_FOUND. */
  readonly renew: { readonly input: RenewRequestInput; readonly request: RenewRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
  /** Gives it back. */
  readonly close: { readonly input: CloseRequestInput; readonly request: CloseRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
}
