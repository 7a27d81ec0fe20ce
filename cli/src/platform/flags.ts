import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CleatError } from '@cleat/schemas';

/** A plugin in the configuration file. */
export interface PluginSettings {
  /** Plugins with the same group share a process. */
  readonly group?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Directory of one that is not part of Cleat. */
  readonly directory?: string;
  readonly enabled?: boolean;
}

/** Everything that `cleat up` is told, by flags and configuration file together. */
export interface Settings {
  readonly hosts: readonly string[];
  /** Neither flag nor file names an address. */
  readonly hasDefaultHost: boolean;
  readonly stateDir: string;
  readonly runDir: string;
  readonly nodeName: string;
  readonly nats?: string | undefined;
  readonly natsCreds?: string | undefined;
  readonly natsServer?: string | undefined;
  readonly plugins?: readonly string[] | undefined;
  readonly pluginSettings: Readonly<Record<string, PluginSettings>>;
  readonly detach: boolean;
  readonly eventRetention?: number | undefined;
  readonly runtimes: Readonly<Record<string, string>>;
  readonly defaultRuntime?: string | undefined;
  readonly cgroupDriver?: string | undefined;
  readonly cgroupParent?: string | undefined;
  readonly logLevel?: string | undefined;
}

const FILE_KEYS = [
  'host',
  'stateDir',
  'runDir',
  'nodeName',
  'nats',
  'natsCreds',
  'natsServer',
  'plugins',
  'eventRetention',
  'runtimes',
  'defaultRuntime',
  'cgroupDriver',
  'cgroupParent',
  'logLevel',
] as const;

type FileSettings = { readonly [K in (typeof FILE_KEYS)[number]]?: unknown };

/** Flags of `cleat up`; a flag wins over the file. Throws `invalid_argument` FLAGS_INVALID or CONFIG_INVALID. */
export async function readSettings(argv: readonly string[]): Promise<Settings> {
  const flags = parse(argv);
  const file = flags.config === undefined ? {} : await readFile(flags.config);
  const text = (flag: string | undefined, key: keyof FileSettings): string | undefined => flag ?? stringOf(file[key], key);
  const stateDir = resolve(text(flags['state-dir'], 'stateDir') ?? '/var/lib/cleat');
  const runDir = resolve(text(flags['run-dir'], 'runDir') ?? '/run/cleat');
  const hosts = flags.host ?? hostsOf(file.host);
  const plugins = file.plugins;
  return {
    hosts: hosts ?? [`unix://${runDir}/docker.sock`],
    hasDefaultHost: hosts === undefined,
    stateDir,
    runDir,
    nodeName: text(flags['node-name'], 'nodeName') ?? hostname(),
    nats: text(flags.nats, 'nats'),
    natsCreds: text(flags['nats-creds'], 'natsCreds'),
    natsServer: stringOf(file.natsServer, 'natsServer'),
    plugins: flags.plugins === undefined ? namesOf(plugins) : flags.plugins.split(',').filter((name) => name !== '' && name !== 'none'),
    pluginSettings: isRecord(plugins) ? pluginSettings(plugins) : {},
    detach: flags.detach === true,
    eventRetention: numberOf(file.eventRetention, 'eventRetention'),
    runtimes: runtimesOf(file.runtimes),
    defaultRuntime: stringOf(file.defaultRuntime, 'defaultRuntime'),
    cgroupDriver: stringOf(file.cgroupDriver, 'cgroupDriver'),
    cgroupParent: stringOf(file.cgroupParent, 'cgroupParent'),
    logLevel: stringOf(file.logLevel, 'logLevel'),
  };
}

function parse(argv: readonly string[]): {
  readonly host?: string[] | undefined;
  readonly 'state-dir'?: string | undefined;
  readonly 'run-dir'?: string | undefined;
  readonly 'node-name'?: string | undefined;
  readonly nats?: string | undefined;
  readonly 'nats-creds'?: string | undefined;
  readonly plugins?: string | undefined;
  readonly config?: string | undefined;
  readonly detach?: boolean | undefined;
} {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        host: { type: 'string', short: 'H', multiple: true },
        'state-dir': { type: 'string' },
        'run-dir': { type: 'string' },
        'node-name': { type: 'string' },
        nats: { type: 'string' },
        'nats-creds': { type: 'string' },
        plugins: { type: 'string' },
        config: { type: 'string' },
        detach: { type: 'boolean', short: 'd' },
      },
    }).values;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CleatError('invalid_argument', 'FLAGS_INVALID', reason, { hint: 'See cleat help up.', cause });
  }
}

async function readFile(path: string): Promise<FileSettings> {
  if (!existsSync(path)) throw new CleatError('not_found', 'CONFIG_MISSING', `there is no configuration file ${path}`);
  const text = readFileSync(path, 'utf8');
  let value: unknown;
  try {
    value = path.endsWith('.json') ? JSON.parse(text) : (await import('yaml')).parse(text);
  } catch (cause) {
    throw new CleatError(
      'invalid_argument',
      'CONFIG_INVALID',
      `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  if (value === null || value === undefined) return {};
  if (!isRecord(value)) throw new CleatError('invalid_argument', 'CONFIG_INVALID', `${path} is not a map of settings`);
  const unknown = Object.keys(value).filter((key) => !(FILE_KEYS as readonly string[]).includes(key));
  if (unknown.length > 0) {
    throw new CleatError('invalid_argument', 'CONFIG_INVALID', `${path} has settings that are not known: ${unknown.join(', ')}`, {
      hint: `Known are ${FILE_KEYS.join(', ')}.`,
    });
  }
  return value;
}

function pluginSettings(value: Readonly<Record<string, unknown>>): Readonly<Record<string, PluginSettings>> {
  const known = ['group', 'config', 'directory', 'enabled'];
  for (const [name, settings] of Object.entries(value)) {
    if (settings !== null && !isRecord(settings))
      throw new CleatError('invalid_argument', 'CONFIG_INVALID', `plugins.${name} is not a map`);
    const odd = Object.keys(settings ?? {}).find((key) => !known.includes(key));
    if (odd !== undefined)
      throw new CleatError('invalid_argument', 'CONFIG_INVALID', `plugins.${name}.${odd} is not known`, {
        hint: `Known are ${known.join(', ')}.`,
      });
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, settings]) => {
      const held = isRecord(settings) ? settings : {};
      const { group, config, directory, enabled } = held;
      return [
        name,
        {
          ...(typeof group === 'string' ? { group } : {}),
          ...(isRecord(config) ? { config } : {}),
          ...(typeof directory === 'string' ? { directory } : {}),
          ...(typeof enabled === 'boolean' ? { enabled } : {}),
        },
      ];
    }),
  );
}

function namesOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value;
  if (isRecord(value))
    return Object.entries(value).flatMap(([name, settings]) => (isRecord(settings) && settings['enabled'] === false ? [] : [name]));
  throw new CleatError('invalid_argument', 'CONFIG_INVALID', 'plugins is neither a list of names nor a map');
}

function hostsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every((host) => typeof host === 'string')) return value;
  throw new CleatError('invalid_argument', 'CONFIG_INVALID', 'host is neither a URL nor a list of them');
}

function runtimesOf(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw new CleatError('invalid_argument', 'CONFIG_INVALID', 'runtimes is not a map of names to programs');
  return Object.fromEntries(Object.entries(value).map(([name, path]) => [name, stringOf(path, `runtimes.${name}`) ?? '']));
}

function stringOf(value: unknown, key: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value;
  throw new CleatError('invalid_argument', 'CONFIG_INVALID', `${key} is not a text`);
}

function numberOf(value: unknown, key: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new CleatError('invalid_argument', 'CONFIG_INVALID', `${key} is not a whole number`);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
