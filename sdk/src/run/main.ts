/** Host process of plugins: `node main.js RUNFILE`. */
import { pathToFileURL } from 'node:url';
import type { Logger } from '@cleat/core';
import { releaseMemoryWhenIdle } from '@cleat/core/memory';
import { CleatError } from '@cleat/schemas';
import type { PluginDefinition } from '../plugin.ts';
import { runProcess } from './host.ts';
import type { RunEntry, RunFile } from './run-file.ts';

async function load(runFile: RunFile, log: Logger): Promise<ReadonlyMap<string, PluginDefinition>> {
  const definitions = new Map<string, PluginDefinition>();
  for (const entry of runFile.plugins) {
    try {
      definitions.set(entry.name, await definitionOf(entry));
    } catch (error) {
      // The others of this process can still be of use.
      log.error('a plugin cannot be loaded', { plugin: entry.name, error });
    }
  }
  return definitions;
}

async function definitionOf({ name, module }: RunEntry): Promise<PluginDefinition> {
  if (module === undefined) throw new CleatError('invalid_argument', 'RUN_FILE_INVALID', `plugin ${name} names no module`);
  const loaded: unknown = await import(pathToFileURL(module).href);
  const plugin: unknown = typeof loaded === 'object' && loaded !== null && 'plugin' in loaded ? loaded.plugin : undefined;
  if (isDefinition(plugin)) return plugin;
  throw new CleatError('invalid_argument', 'PLUGIN_MODULE', `${module} does not export a "plugin" made by definePlugin`);
}

function isDefinition(value: unknown): value is PluginDefinition {
  return typeof value === 'object' && value !== null && 'manifest' in value && 'setup' in value && typeof value.setup === 'function';
}

const [path] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write('usage: main.js RUNFILE\n');
  process.exit(2);
}
releaseMemoryWhenIdle();
await runProcess(path, load);
