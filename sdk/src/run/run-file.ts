import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { CleatError } from '@cleat/schemas';

/** One plugin of a process, as the kernel says it. */
export interface RunEntry {
  readonly name: string;
  /** An ES module that exports `plugin`; absent for a plugin that runs itself. */
  readonly module: string | undefined;
  /** File with the credentials of both connections. */
  readonly credentials: string;
  readonly stateDir: string;
  readonly runDir: string;
}

/** What a process of plugins is told at its start; a file of mode 0600. */
export interface RunFile {
  /** File that holds the URL of the bus; read at every dial, as a server may come back on another port. */
  readonly urlFile: string;
  readonly plugins: readonly RunEntry[];
}

/** Reads a run file. Throws `invalid_argument` RUN_FILE_INVALID that names the fault. */
export function readRunFile(path: string): RunFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw invalid(path, 'it cannot be read', cause);
  }
  if (!isRecord(value)) throw invalid(path, 'it is not an object');
  const urlFile = absolutePath(value, 'urlFile', path);
  const { plugins } = value;
  if (!Array.isArray(plugins) || plugins.length === 0) throw invalid(path, '"plugins" must be a list with at least one');
  return { urlFile, plugins: plugins.map((entry: unknown) => entryOf(entry, path)) };
}

function entryOf(value: unknown, path: string): RunEntry {
  if (!isRecord(value)) throw invalid(path, 'a plugin is not an object');
  const { name } = value;
  if (typeof name !== 'string' || name === '') throw invalid(path, 'a plugin has no name');
  return {
    name,
    module: value['module'] === undefined ? undefined : absolutePath(value, 'module', path),
    credentials: absolutePath(value, 'credentials', path),
    stateDir: absolutePath(value, 'stateDir', path),
    runDir: absolutePath(value, 'runDir', path),
  };
}

function absolutePath(value: Readonly<Record<string, unknown>>, key: string, path: string): string {
  const found = value[key];
  if (typeof found === 'string' && isAbsolute(found)) return found;
  throw invalid(path, `"${key}" must be an absolute path`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(path: string, fault: string, cause?: unknown): CleatError {
  return new CleatError('invalid_argument', 'RUN_FILE_INVALID', `the run file ${path} is not valid: ${fault}`, {
    hint: 'The kernel writes it each time it starts the plugin.',
    cause,
  });
}
