import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Deadline } from '@cleat/core/deadlines';
import { CleatError } from '@cleat/schemas';
import { findProgram } from '../oci/index.ts';

/** An OCI runtime of this node. Nothing depends on one program alone: what is not known of it is done by its own commands. */
export interface Runtime {
  readonly name: string;
  readonly path: string;
  /** Where it keeps its state, a directory a container. */
  readonly root: string;
  /** More arguments for every call: `--systemd-cgroup`. */
  readonly args: readonly string[];
  /**
   * What lets a created process run: its init writes a byte to exec.fifo in the state directory, to be read (runc), or reads one (crun).
   * Undefined: only `start` is known, and only `delete` cleans up.
   */
  readonly fifo: 'read' | 'write' | undefined;
}

export interface RuntimeOptions {
  readonly name: string;
  readonly path: string;
  readonly root: string;
  readonly isSystemd?: boolean;
}

export function runtimeOf({ name, path, root, isSystemd = false }: RuntimeOptions): Runtime {
  const program = basename(path);
  const fifo = program === 'runc' ? 'read' : program === 'crun' ? 'write' : undefined;
  return { name, path, root, args: isSystemd ? ['--systemd-cgroup'] : [], fifo };
}

/** The arguments ahead of a command, with errors as JSON lines in `logPath`. */
export function globalArgs(runtime: Runtime, logPath?: string): string[] {
  const log = logPath === undefined ? [] : [`--log=${logPath}`, '--log-format=json'];
  return [`--root=${runtime.root}`, ...runtime.args, ...log];
}

export function stateDirectory(runtime: Runtime, id: string): string {
  return join(runtime.root, id);
}

/** True while a created container waits to be started; undefined where the runtime does not show it. */
export function isWaiting(runtime: Runtime, id: string): boolean | undefined {
  return runtime.fifo === undefined ? undefined : existsSync(join(stateDirectory(runtime, id), 'exec.fifo'));
}

export interface RuntimeCall {
  readonly args: readonly string[];
  readonly deadline: Deadline;
  readonly logPath?: string;
  readonly input?: string;
  readonly cwd?: string;
}

export interface RuntimeResult {
  readonly code: number;
  readonly output: string;
}

const OUTPUT_LIMIT_CHARS = 16_384;

/** Runs one command of the runtime to its end. A runtime that does not end in time is killed. */
export function runRuntime(runtime: Runtime, call: RuntimeCall): Promise<RuntimeResult> {
  const { args, deadline, logPath, input, cwd } = call;
  return new Promise((resolve, reject) => {
    // Output goes to pipes only where the process ends with the command: an init that is left behind would keep them open.
    const child = spawn(runtime.path, [...globalArgs(runtime, logPath), ...args], {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', logPath === undefined ? 'pipe' : 'ignore'],
      env: { PATH: process.env['PATH'] ?? '' },
      cwd,
      signal: deadline.signal,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_LIMIT_CHARS);
    });
    // A runtime that ends without reading its input says why by its exit code.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    child.once('error', (error) => {
      reject(deadline.isExpired ? tooSlow(runtime, args[0] ?? '') : missing(runtime, error));
    });
    child.once('close', (code) => {
      resolve({ code: code ?? -1, output });
    });
  });
}

export function tooSlow(runtime: Runtime, command: string): CleatError {
  return new CleatError('deadline_exceeded', 'RUNTIME_TIMEOUT', `${runtime.name} ${command} did not end in time`);
}

function missing(runtime: Runtime, cause: Error): CleatError {
  return new CleatError('unavailable', 'RUNTIME_MISSING', `the OCI runtime ${runtime.path} can't be run: ${cause.message}`, {
    hint: `Install ${runtime.name}, or choose another runtime.`,
    cause,
  });
}

/** runc, crun and what the operator names, those that this host has: name -> program. */
export function findRuntimes(named: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const wanted = new Map([['runc', 'runc'], ['crun', 'crun'], ...Object.entries(named)]);
  return new Map(
    [...wanted].flatMap(([name, program]) => {
      const path = program.startsWith('/') ? program : findProgram(program);
      return path === undefined ? [] : [[name, path] as const];
    }),
  );
}
