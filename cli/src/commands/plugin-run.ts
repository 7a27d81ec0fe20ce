import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CleatError } from '@cleat/schemas/errors';
import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_FAILED, EXIT_NOT_RUN } from '../command/exit-codes.ts';
import { LONG_CALL, type OperatorClient, withNode } from '../connection.ts';
import { fileFailure } from '../output/file-failure.ts';
import { isRecord, parseObject, textAt } from '../output/json.ts';
import { notice } from '../output/writer.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const RUN_FILE_MS = 10_000;
const POLL_MS = 20;

export const pluginRunCommand: Command = defineCommand({
  usage: ['plugin run NAME|DIR'],
  about: `Runs one plugin in the foreground, with its output here, until it is interrupted; then it is removed again, and its
state stays. NAME is one of Cleat's own that the platform was started without, DIR the directory of any other.
Containers that use it run on when it ends.`,
  options: {},
  operands: { least: 1, most: 1 },
  failureCode: EXIT_NOT_RUN,
  examples: [
    { command: 'cleat plugin run storage', does: 'after "cleat up --plugins gateway,images,network,logging"' },
    { command: 'NODE_OPTIONS=--inspect cleat plugin run ./my-volumes', does: 'one of your own, under a debugger' },
  ],
  run: ({ operands, globals }) => withNode(globals, (node) => runPlugin(node, operands[0] ?? '')),
});

/** What is run, and how. */
interface RunnablePlugin {
  readonly name: string;
  readonly directory: string;
  readonly manifest: Readonly<Record<string, unknown>>;
  /** Program and arguments, to which the run file is added. */
  readonly command: readonly string[];
  /** The ES module of a plugin that the SDK's host loads. */
  readonly module?: string;
}

function findPlugin(nameOrDirectory: string): RunnablePlugin {
  const isPath = nameOrDirectory.includes('/') || nameOrDirectory === '.';
  const directory = isPath ? resolve(nameOrDirectory) : join(ROOT, 'plugins', nameOrDirectory);
  const path = join(directory, 'manifest.json');
  if (!existsSync(path)) {
    throw new CleatError(
      'not_found',
      'PLUGIN_UNKNOWN',
      isPath ? `${directory} has no manifest.json` : `Cleat has no plugin ${nameOrDirectory} of its own`,
      { hint: 'The directory of a plugin is given with a "/": ./my-volumes.' },
    );
  }
  const manifest = parseObject(readFileSync(path, 'utf8'));
  const name = textAt(manifest, 'name');
  const run = manifest['run'];
  const command = isRecord(run) && Array.isArray(run['command']) ? run['command'].filter((word) => typeof word === 'string') : [];
  if (command.length > 0) return { name, directory, manifest, command };
  const host = join(dirname(fileURLToPath(import.meta.resolve('@cleat/sdk/run'))), 'main.js');
  return { name, directory, manifest, command: [process.execPath, host], module: join(directory, 'dist/src/index.js') };
}

async function runPlugin(node: OperatorClient, nameOrDirectory: string): Promise<number> {
  const found = findPlugin(nameOrDirectory);
  const { plugins } = await node.call('plugin', 'list', {});
  if (plugins.some(({ name }) => name === found.name)) {
    throw new CleatError('conflict', 'PLUGIN_RUNS', `plugin ${found.name} is there already, run by the platform`, {
      hint: `Start the platform without it (cleat up --plugins), or remove it first (cleat plugin rm ${found.name}).`,
    });
  }
  const place = mkdtempSync(join(tmpdir(), 'cleat-plugin-'));
  try {
    const runFile = await takePlace(node, found, place);
    return await inForeground(found, runFile);
  } finally {
    await node.call('plugin', 'remove', { name: found.name, force: true }, LONG_CALL).catch((error: unknown) => {
      notice(`cleat: warning: plugin ${found.name} could not be removed: ${error instanceof Error ? error.message : String(error)}`);
    });
    rmSync(place, { recursive: true, force: true });
  }
}

/**
 * Has the plugin installed with a process that only waits: the kernel gives it rights and a run file as to every other, and the plugin itself
 * is started here with that. Resolves with the run file.
 */
async function takePlace(node: OperatorClient, { name, manifest, module }: RunnablePlugin, place: string): Promise<string> {
  const said = join(place, 'run-file');
  const script = `printf %s "$1" > "$0.new" && mv "$0.new" "$0" && exec tail -f /dev/null`;
  const run = isRecord(manifest['run']) ? manifest['run'] : {};
  const waiting = { ...manifest, run: { ...run, command: ['/bin/sh', '-c', script, said] } };
  writeFileSync(join(place, 'manifest.json'), JSON.stringify(waiting));
  await node.call('plugin', 'install', { directory: place, grant: '', enable: true }, LONG_CALL);
  const deadline = performance.now() + RUN_FILE_MS;
  while (!existsSync(said)) {
    if (performance.now() > deadline)
      throw new CleatError('deadline_exceeded', 'PLUGIN_NOT_STARTED', `the kernel has not started plugin ${name}`, {
        hint: 'See "cleat plugin ls".',
      });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const given = readFileSync(said, 'utf8');
  return module === undefined ? given : ownRunFile(given, module, place);
}

/** The run file with the plugin's module, which the kernel knows of its own plugins alone. */
function ownRunFile(given: string, module: string, place: string): string {
  const content = parseObject(readFileSync(given, 'utf8'));
  const { plugins } = content;
  if (!Array.isArray(plugins)) throw fileFailure(given, new Error('it names no plugin'));
  const path = join(place, 'run.json');
  writeFileSync(path, JSON.stringify({ ...content, plugins: plugins.filter(isRecord).map((entry) => ({ ...entry, module })) }), {
    mode: 0o600,
  });
  return path;
}

/** Runs the plugin to its end; signals for this program are for it. */
function inForeground({ name, directory, manifest, command }: RunnablePlugin, runFile: string): Promise<number> {
  const [program = '', ...args] = command;
  const run = manifest['run'];
  const extra =
    isRecord(run) && isRecord(run['env']) ? Object.fromEntries(Object.entries(run['env']).map(([key, value]) => [key, String(value)])) : {};
  const child = spawn(program, [...args, runFile], {
    cwd: directory,
    env: { ...process.env, ...extra, CLEAT_RUN_FILE: runFile },
    stdio: 'inherit',
  });
  notice(`plugin ${name} runs as process ${child.pid ?? 0}; ctrl-c ends it`);
  return ended(child, program);
}

function ended(child: ChildProcess, program: string): Promise<number> {
  // A terminal sends ctrl-c to both; this program stays until the other has ended.
  const pass = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, pass);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(fileFailure(program, error)));
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? EXIT_FAILED) : 128 + constants.signals[signal]));
  });
}
