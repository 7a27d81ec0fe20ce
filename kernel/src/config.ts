import { readFileSync } from 'node:fs';
import { compileJsonSchema } from '@cleat/core/validation';
import { CleatError } from '@cleat/schemas';

/** A plugin that the configuration names. */
export interface ConfiguredPlugin {
  readonly name: string;
  /** Directory with its manifest.json. */
  readonly directory: string;
  /** The ES module that exports it. */
  readonly module: string;
  /** Plugins with the same group share a process. */
  readonly group: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** All that a kernel is told; written by `cleat up` from flags and configuration file. */
export interface KernelConfig {
  readonly stateDir: string;
  readonly runDir: string;
  readonly nodeName: string;
  readonly version: string;
  readonly plugins: readonly ConfiguredPlugin[];
  readonly hostCommand: readonly string[];
  /** How many listening sockets are inherited, from descriptor 3 on, and which group gets them. */
  readonly listeners: number;
  readonly listenersGroup: string;
  readonly nats: { readonly url?: string; readonly credentials?: string; readonly server?: string };
  /** Events that the stream keeps. */
  readonly eventRetention: number;
  /** name -> program. */
  readonly runtimes: Readonly<Record<string, string>>;
  readonly defaultRuntime: string;
  readonly cgroupDriver: 'cgroupfs' | 'systemd';
  /** Empty: derived from the instance. */
  readonly cgroupParent: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Empty: the host's. Tests give another one for a boot of the host that did not happen. */
  readonly bootId: string;
}

const SCHEMA = new URL('../../data/config.schema.json', import.meta.url);

const DEFAULTS: Omit<KernelConfig, 'stateDir' | 'runDir' | 'nodeName' | 'version'> = {
  plugins: [],
  hostCommand: [],
  listeners: 0,
  listenersGroup: 'gateway',
  nats: {},
  eventRetention: 20_000,
  runtimes: {},
  defaultRuntime: 'runc',
  cgroupDriver: 'cgroupfs',
  cgroupParent: '',
  logLevel: 'info',
  bootId: '',
};

/** Reads the kernel's configuration. Throws `invalid_argument` CONFIG_INVALID, naming every fault. */
export async function readKernelConfig(path: string): Promise<KernelConfig> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CleatError('invalid_argument', 'CONFIG_INVALID', `${path} cannot be read as JSON`, { cause });
  }
  // Our own file: what it is need not be asked.
  const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as Readonly<Record<string, unknown>>;
  const faults = (await compileJsonSchema(schema))(value);
  if (faults.length > 0) throw new CleatError('invalid_argument', 'CONFIG_INVALID', `${path}: ${faults.join('; ')}`);
  // The schema has just accepted it.
  const given = value as Partial<KernelConfig> & Pick<KernelConfig, 'stateDir' | 'runDir' | 'nodeName' | 'version'>;
  return { ...DEFAULTS, ...given, plugins: (given.plugins ?? []).map((plugin) => ({ ...plugin, config: plugin.config ?? {} })) };
}
