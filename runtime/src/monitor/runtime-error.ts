import { readFile } from 'node:fs/promises';
import { CleatError } from '@cleat/schemas';
import type { Runtime } from './runtime.ts';

/** What a process that could not be started ends with, as a shell has it and Docker reports it. */
export const EXIT_NOT_FOUND = 127;
export const EXIT_NOT_EXECUTABLE = 126;
export const EXIT_RUNTIME_FAILED = 128;

const LOG_LIMIT_CHARS = 65_536;

/**
 * Why the runtime failed, by its JSON log or else by what it wrote. The words are those that Docker's clients look for; `details.exitCode`
 * is what the container or exec ends with.
 */
export async function runtimeError(
  runtime: Runtime,
  step: 'create' | 'start' | 'exec' | 'update' | 'delete',
  logPath: string,
  output: string,
): Promise<CleatError> {
  const reason = lastError(await readLog(logPath)) ?? (output.trim() || `${runtime.name} gave no reason`);
  const { code, exitCode, text } = classify(reason);
  const errorClass = code === 'RUNTIME_FAILED' ? 'internal' : 'invalid_argument';
  return new CleatError(errorClass, code, `OCI runtime ${step} failed: ${text}: unknown`, {
    details: { exitCode: String(exitCode), runtime: runtime.name },
  });
}

async function readLog(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).slice(-LOG_LIMIT_CHARS);
  } catch {
    // A runtime that failed before it opened its log: what it wrote is all there is.
    return '';
  }
}

function lastError(log: string): string | undefined {
  for (const line of log.split('\n').reverse()) {
    const entry = parseEntry(line);
    if (entry?.level === 'error' || entry?.level === 'fatal') return entry.msg;
  }
  return undefined;
}

function parseEntry(line: string): { readonly level: string; readonly msg: string } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('msg' in value) || typeof value.msg !== 'string') return undefined;
    return { level: 'level' in value ? String(value.level) : 'error', msg: value.msg };
  } catch {
    // The blank after the last line, or one that was cut off.
    return undefined;
  }
}

interface Classified {
  readonly code: string;
  readonly exitCode: number;
  readonly text: string;
}

function classify(reason: string): Classified {
  // crun: executable file `x` not found in $PATH: No such file or directory
  const crun = /executable file `([^`]*)` not found/.exec(reason);
  if (crun !== null) {
    const text = `unable to start container process: exec: "${crun[1] ?? ''}": executable file not found in $PATH`;
    return { code: 'PROCESS_NOT_FOUND', exitCode: EXIT_NOT_FOUND, text };
  }
  const isExec = /\bexec:? ["`/]|executable/i.test(reason);
  if (isExec && /executable file not found|no such file or directory/i.test(reason)) {
    return { code: 'PROCESS_NOT_FOUND', exitCode: EXIT_NOT_FOUND, text: reason };
  }
  if (isExec && /permission denied|is a directory|exec format error/i.test(reason)) {
    return { code: 'PROCESS_NOT_EXECUTABLE', exitCode: EXIT_NOT_EXECUTABLE, text: reason };
  }
  return { code: 'RUNTIME_FAILED', exitCode: EXIT_RUNTIME_FAILED, text: reason };
}
