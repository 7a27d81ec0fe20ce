import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@cleat/core';
import { encodeCredentials, type ParticipantCredentials } from '@cleat/core/bus';
import { KeptProcess } from '@cleat/core/processes';
import type { InstalledPlugin } from './installed.ts';
import type { PluginRegistry } from './registry.ts';

export interface SupervisorOptions {
  readonly registry: PluginRegistry;
  readonly log: Logger;
  readonly stateDir: string;
  readonly runDir: string;
  /** File that holds the URL of the bus. */
  readonly urlFile: string;
  /** Program and arguments that run default plugins; the run file is added. */
  readonly hostCommand: readonly string[];
  /** Inherited listening descriptors, for the group that is to have them. */
  readonly descriptors: readonly number[];
  readonly descriptorsGroup: string;
  readonly credentials: (plugin: string, isBearer: boolean) => ParticipantCredentials;
  readonly onLost: (plugin: string, reason: string) => void;
}

const STOP_MS = 10_000;

/** The processes of plugins: a group each, adopted or started, started again when they end. */
export class PluginSupervisor {
  readonly #options: SupervisorOptions;
  readonly #processes = new Map<string, KeptProcess>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  logFile(group: string): string {
    return join(this.#options.stateDir, 'log', `${group}.log`);
  }

  pidOf(group: string): number {
    return this.#processes.get(group)?.pid ?? 0;
  }

  restartsOf(group: string): number {
    return this.#processes.get(group)?.restarts ?? 0;
  }

  /** Starts the groups of all enabled plugins that do not run yet. */
  async startAll(): Promise<void> {
    const groups = new Set(this.#options.registry.enabled.map(({ group }) => group));
    await Promise.all([...groups].map((group) => this.startGroup(group)));
  }

  async startGroup(group: string): Promise<void> {
    if (this.#processes.has(group)) return;
    const process = this.#make(group);
    this.#processes.set(group, process);
    await process.start();
  }

  /** Ends a group's process and starts it with the plugins that are enabled now, if any. */
  async restartGroup(group: string): Promise<void> {
    await this.stopGroup(group);
    if (this.#membersOf(group).length > 0) await this.startGroup(group);
  }

  async stopGroup(group: string): Promise<void> {
    const process = this.#processes.get(group);
    this.#processes.delete(group);
    await process?.stop(STOP_MS);
    rmSync(join(this.#runDirectory(group), 'process.json'), { force: true });
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#processes.keys()].map((group) => this.stopGroup(group)));
  }

  /** Leaves all of them running, for the next kernel. */
  release(): void {
    for (const process of this.#processes.values()) process.release();
  }

  /** A connection of a plugin has ended: look whether its process has, too. */
  check(plugin: string): void {
    const group = this.#options.registry.find(plugin)?.installed.group;
    if (group !== undefined) this.#processes.get(group)?.check();
  }

  #membersOf(group: string): readonly InstalledPlugin[] {
    return this.#options.registry.enabled.filter((installed) => installed.group === group);
  }

  #runDirectory(group: string): string {
    return join(this.#options.runDir, 'groups', group);
  }

  #make(group: string): KeptProcess {
    const { log, hostCommand, descriptors, descriptorsGroup } = this.#options;
    const runFile = join(this.#runDirectory(group), 'run.json');
    const [first] = this.#membersOf(group);
    const own = first?.origin === 'third-party' ? first : undefined;
    const command = own === undefined ? [...hostCommand, runFile] : [...(own.manifest.run?.command ?? []), runFile];
    return new KeptProcess({
      name: group,
      command,
      ...(own === undefined ? {} : { cwd: own.location }),
      env: { ...own?.manifest.run?.env, CLEAT_RUN_FILE: runFile },
      descriptors: group === descriptorsGroup ? descriptors : [],
      logFile: this.logFile(group),
      marker: runFile,
      identityFile: join(this.#runDirectory(group), 'process.json'),
      log,
      prepare: () => this.#writeRunFile(group, runFile),
      onExit: (reason) => {
        for (const { manifest } of this.#membersOf(group)) this.#options.onLost(manifest.name, reason);
      },
    });
  }

  /** What the process of a group is handed; a secret. */
  #writeRunFile(group: string, runFile: string): void {
    const { urlFile, credentials } = this.#options;
    mkdirSync(this.#runDirectory(group), { recursive: true, mode: 0o700 });
    const plugins = this.#membersOf(group).map(({ manifest, location }) => {
      const directories = pluginDirectories(this.#options, manifest.name);
      mkdirSync(directories.state, { recursive: true, mode: 0o711 });
      mkdirSync(directories.run, { recursive: true, mode: 0o711 });
      const file = join(this.#runDirectory(group), `${manifest.name}.creds`);
      const isBearer = manifest.run?.bearer === true;
      writeFileSync(file, encodeCredentials(credentials(manifest.name, isBearer)), { mode: 0o600 });
      return { name: manifest.name, module: location, credentials: file, stateDir: directories.state, runDir: directories.run };
    });
    writeFileSync(runFile, JSON.stringify({ urlFile, plugins }), { mode: 0o600 });
  }
}

/** Directories that belong to a plugin alone. */
export function pluginDirectories(
  { stateDir, runDir }: { readonly stateDir: string; readonly runDir: string },
  plugin: string,
): { readonly state: string; readonly run: string } {
  return { state: join(stateDir, 'plugins', plugin), run: join(runDir, 'plugins', plugin) };
}
