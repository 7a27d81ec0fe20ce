// Generated from schemas/contracts/exec-types.avdl by "npm run generate": do not edit.
import type { Process as ContainerTypesProcess, ProcessInput as ContainerTypesProcessInput } from './container-types.ts';

export interface Info {
  readonly id: string;
  readonly container: string;
  readonly process: ContainerTypesProcess;
  readonly privileged: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly detachKeys: string;
  readonly running: boolean;
  readonly pid: number;
  /** null until it has ended. */
  readonly exitCode: null | number;
}

/** What encoding takes for a Info: fields with a default may be left out. */
export interface InfoInput {
  readonly id: string;
  readonly container: string;
  readonly process: ContainerTypesProcessInput;
  readonly privileged?: boolean | undefined;
  readonly attachStdin?: boolean | undefined;
  readonly attachStdout?: boolean | undefined;
  readonly attachStderr?: boolean | undefined;
  readonly detachKeys?: string | undefined;
  readonly running?: boolean | undefined;
  readonly pid?: number | undefined;
  readonly exitCode?: null | number | undefined;
}
