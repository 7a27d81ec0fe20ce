// Generated from schemas/contracts/exec.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';
import type { Process as ContainerTypesProcess, ProcessInput as ContainerTypesProcessInput, StreamTicket as ContainerTypesStreamTicket, StreamTicketInput as ContainerTypesStreamTicketInput } from './container-types.ts';
import type { Info as ExecTypesInfo, InfoInput as ExecTypesInfoInput } from './exec-types.ts';

export interface CreateRequest {
  /** 64 hexadecimal digits, made by the caller. */
  readonly id: string;
  readonly container: string;
  readonly process: ContainerTypesProcess;
  readonly privileged: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly detachKeys: string;
}

/** What encoding takes for a CreateRequest: fields with a default may be left out. */
export interface CreateRequestInput {
  readonly id: string;
  readonly container: string;
  readonly process: ContainerTypesProcessInput;
  readonly privileged?: boolean | undefined;
  readonly attachStdin?: boolean | undefined;
  readonly attachStdout?: boolean | undefined;
  readonly attachStderr?: boolean | undefined;
  readonly detachKeys?: string | undefined;
}

export interface CreateResponse {
  readonly id: string;
}

/** What encoding takes for a CreateResponse: fields with a default may be left out. */
export interface CreateResponseInput {
  readonly id: string;
}

export interface StartRequest {
  readonly id: string;
  /** Nobody reads its output. */
  readonly detach: boolean;
  readonly consoleRows: number;
  readonly consoleColumns: number;
}

/** What encoding takes for a StartRequest: fields with a default may be left out. */
export interface StartRequestInput {
  readonly id: string;
  readonly detach?: boolean | undefined;
  readonly consoleRows?: number | undefined;
  readonly consoleColumns?: number | undefined;
}

/** ticket: for the client that started it, unless detached. */
export interface StartResponse {
  readonly pid: number;
  readonly ticket: null | ContainerTypesStreamTicket;
}

/** What encoding takes for a StartResponse: fields with a default may be left out. */
export interface StartResponseInput {
  readonly pid?: number | undefined;
  readonly ticket?: null | ContainerTypesStreamTicketInput | undefined;
}

export interface InspectRequest {
  readonly id: string;
}

/** What encoding takes for a InspectRequest: fields with a default may be left out. */
export interface InspectRequestInput {
  readonly id: string;
}

export interface ResizeRequest {
  readonly id: string;
  readonly rows: number;
  readonly columns: number;
}

/** What encoding takes for a ResizeRequest: fields with a default may be left out. */
export interface ResizeRequestInput {
  readonly id: string;
  readonly rows: number;
  readonly columns: number;
}

/** The operations of the contract exec. */
export interface Operations {
  /** Prepares another process in a running container. Fails with CONTAINER_NOT_RUNNING, CONTAINER_PAUSED. */
  readonly create: { readonly input: CreateRequestInput; readonly request: CreateRequest; readonly response: CreateResponse; readonly answer: CreateResponseInput };
  /** Runs it. Fails with EXEC_STARTED when it was started already. */
  readonly start: { readonly input: StartRequestInput; readonly request: StartRequest; readonly response: StartResponse; readonly answer: StartResponseInput };
  /** What is known of it, until its container is removed or runs anew. Fails with EXEC_NOT_FOUND. */
  readonly inspect: { readonly input: InspectRequestInput; readonly request: InspectRequest; readonly response: ExecTypesInfo; readonly answer: ExecTypesInfoInput };
  /** Sets the size of its terminal. Fails with EXEC_NOT_RUNNING. */
  readonly resize: { readonly input: ResizeRequestInput; readonly request: ResizeRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
}
