import { createLogger, type Logger } from '@cleat/core';
import { SchemaBook, toCleatError } from '@cleat/schemas';
import type { PluginDefinition } from '../plugin.ts';
import { Heart } from './heart.ts';
import { PluginRun } from './plugin-run.ts';
import { type RunFile, readRunFile } from './run-file.ts';

export interface RunPluginsOptions {
  /** Aborted when the plugins shall end: they answer what they were asked, and close. */
  readonly signal: AbortSignal;
  readonly log?: Logger;
}

/**
 * Runs the plugins of a run file in this process, each with connections and a context of its own, until the signal aborts.
 * One that cannot begin is told in the log and tried again, without harm to the others; alone in its process it fails this call.
 */
export async function runPlugins(
  runFile: RunFile,
  definitions: ReadonlyMap<string, PluginDefinition>,
  options: RunPluginsOptions,
): Promise<void> {
  const log = options.log ?? createLogger();
  const book = new SchemaBook();
  const heart = new Heart();
  const isAlone = runFile.plugins.length === 1;
  const runs = runFile.plugins.map(async (entry) => {
    const own = log.child({ plugin: entry.name });
    const definition = definitions.get(entry.name);
    // Its module could not be loaded, which was told.
    if (definition === undefined) return;
    try {
      await new PluginRun({ definition, entry, urlFile: runFile.urlFile, book, heart, log: own, isAlone }).run(options.signal);
    } catch (error) {
      own.error('the plugin ended', { error });
      if (isAlone) throw error;
    }
  });
  await Promise.all(runs);
}

/**
 * The whole program of a plugin that runs in a process of its own: reads the run file that CLEAT_RUN_FILE names, runs until
 * SIGTERM, and ends the process. A kernel that it does not fit with ends it too, after three attempts, with a status of 1.
 */
export async function run(definition: PluginDefinition): Promise<void> {
  const path = process.env['CLEAT_RUN_FILE'];
  if (path === undefined || path === '') {
    process.stderr.write(
      `${definition.manifest.name} is a plugin of Cleat: it is started by "cleat plugin install", which sets CLEAT_RUN_FILE\n`,
    );
    process.exit(2);
  }
  await runProcess(path, async (runFile) => new Map(runFile.plugins.map((entry) => [entry.name, definition])));
}

/** Runs a process of plugins from its run file to its end. */
export async function runProcess(
  path: string,
  load: (runFile: RunFile, log: Logger) => Promise<ReadonlyMap<string, PluginDefinition>>,
): Promise<void> {
  const log = createLogger({ fields: { pid: process.pid } });
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => controller.abort());
  const crash = (error: unknown): void => {
    // Nobody knows what state it is in; the kernel starts it anew.
    log.error('the process ends after an error that nothing caught', { error });
    process.exit(70);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  try {
    const runFile = readRunFile(path);
    const definitions = await load(runFile, log);
    if (definitions.size === 0) process.exit(1);
    await runPlugins(runFile, definitions, { signal: controller.signal, log });
    process.exit(0);
  } catch (error) {
    log.error('the process cannot go on', { reason: toCleatError(error).message });
    process.exit(1);
  }
}
