// Generated from schemas/contracts/node.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';

export interface InfoRequest {
}

/** What encoding takes for a InfoRequest: fields with a default may be left out. */
export interface InfoRequestInput {
}

export interface Owed {
  readonly container: string;
  readonly claim: string;
  readonly kind: string;
  readonly provider: string;
  readonly operation: string;
  readonly since: bigint;
}

/** What encoding takes for a Owed: fields with a default may be left out. */
export interface OwedInput {
  readonly container: string;
  readonly claim: string;
  readonly kind: string;
  readonly provider: string;
  readonly operation: string;
  readonly since?: bigint | undefined;
}

export interface Runtime {
  readonly name: string;
  readonly path: string;
  readonly version: string;
}

/** What encoding takes for a Runtime: fields with a default may be left out. */
export interface RuntimeInput {
  readonly name: string;
  readonly path: string;
  readonly version?: string | undefined;
}

export interface InfoResponse {
  readonly node: string;
  readonly name: string;
  readonly version: string;
  readonly bootId: string;
  readonly incarnation: string;
  readonly stateDir: string;
  readonly runDir: string;
  /** v1, hybrid, unified. */
  readonly cgroupLayout: string;
  /** cgroupfs or systemd. */
  readonly cgroupDriver: string;
  readonly defaultRuntime: string;
  readonly runtimes: ReadonlyArray<Runtime>;
  readonly busUp: boolean;
  readonly natsVersion: string;
  readonly newestEvent: number;
  readonly publishedEvent: number;
  readonly owed: ReadonlyArray<Owed>;
  readonly warnings: ReadonlyArray<string>;
  readonly root: string;
}

/** What encoding takes for a InfoResponse: fields with a default may be left out. */
export interface InfoResponseInput {
  readonly node: string;
  readonly name: string;
  readonly version: string;
  readonly bootId: string;
  readonly incarnation: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly cgroupLayout: string;
  readonly cgroupDriver?: string | undefined;
  readonly defaultRuntime: string;
  readonly runtimes?: ReadonlyArray<RuntimeInput> | undefined;
  readonly busUp?: boolean | undefined;
  readonly natsVersion?: string | undefined;
  readonly newestEvent?: number | undefined;
  readonly publishedEvent?: number | undefined;
  readonly owed?: ReadonlyArray<OwedInput> | undefined;
  readonly warnings?: ReadonlyArray<string> | undefined;
  readonly root?: string | undefined;
}

export interface ShutdownRequest {
  /** Stop containers too; else they run on. */
  readonly stopContainers: boolean;
}

/** What encoding takes for a ShutdownRequest: fields with a default may be left out. */
export interface ShutdownRequestInput {
  readonly stopContainers?: boolean | undefined;
}

/** The operations of the contract node. */
export interface Operations {
  /** What this node is, and what is owed to plugins that are away. */
  readonly info: { readonly input: InfoRequestInput; readonly request: InfoRequest; readonly response: InfoResponse; readonly answer: InfoResponseInput };
  /** Ends the platform on this node, after this was answered. */
  readonly shutdown: { readonly input: ShutdownRequestInput; readonly request: ShutdownRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
}
