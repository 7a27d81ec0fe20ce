import { CleatError } from '@cleat/schemas';
import { type Digest, isDigest } from './digest.ts';
import { asArray, asFlag, asKeys, asObject, asText, asTextMap, asTexts, asWhole, isObject, JsonShapeError } from './json.ts';

/** How a container of the image is checked; times in nanoseconds, as the file has them. */
export interface Healthcheck {
  readonly test: readonly string[];
  readonly intervalNs: number;
  readonly timeoutNs: number;
  readonly startPeriodNs: number;
  readonly startIntervalNs: number;
  readonly retries: number;
}

/** Defaults of an image's containers. */
export interface ContainerDefaults {
  readonly user: string;
  readonly exposedPorts: readonly string[];
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly volumes: readonly string[];
  readonly workingDir: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly stopSignal: string;
  readonly shell: readonly string[];
  readonly onBuild: readonly string[];
  readonly healthcheck: Healthcheck | undefined;
  readonly argsEscaped: boolean;
}

export interface HistoryItem {
  /** RFC 3339, or empty. */
  readonly created: string;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  readonly emptyLayer: boolean;
}

/** An image's configuration: OCI's, with the members that Docker adds. */
export interface ImageConfig {
  readonly created: string;
  readonly author: string;
  readonly comment: string;
  readonly architecture: string;
  readonly variant: string;
  readonly os: string;
  readonly osVersion: string;
  readonly dockerVersion: string;
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryItem[];
  readonly defaults: ContainerDefaults;
}

export const NO_DEFAULTS: ContainerDefaults = {
  user: '',
  exposedPorts: [],
  env: [],
  entrypoint: [],
  cmd: [],
  volumes: [],
  workingDir: '',
  labels: new Map(),
  stopSignal: '',
  shell: [],
  onBuild: [],
  healthcheck: undefined,
  argsEscaped: false,
};

/** More could not be mounted by overlayfs in one go, and Docker makes no more either. */
export const LAYERS_LIMIT = 127;

/** Errors: IMAGE_CONFIG_INVALID. */
export function parseImageConfig(text: string): ImageConfig {
  try {
    return readConfig(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof JsonShapeError || error instanceof SyntaxError)) throw error;
    throw new CleatError('invalid_argument', 'IMAGE_CONFIG_INVALID', `the image's configuration cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}

function readConfig(value: unknown): ImageConfig {
  const root = asObject(value, 'the configuration');
  const rootfs = asObject(root['rootfs'], 'rootfs');
  const diffIds = asTexts(rootfs['diff_ids'], 'rootfs.diff_ids').map(asDiffId);
  if (diffIds.length > LAYERS_LIMIT) throw new JsonShapeError(`rootfs.diff_ids has more than ${LAYERS_LIMIT} layers`);
  return {
    created: asText(root['created'], 'created'),
    author: asText(root['author'], 'author'),
    comment: asText(root['comment'], 'comment'),
    architecture: asText(root['architecture'], 'architecture'),
    variant: asText(root['variant'], 'variant'),
    os: asText(root['os'], 'os'),
    osVersion: asText(root['os.version'], 'os.version'),
    dockerVersion: asText(root['docker_version'], 'docker_version'),
    diffIds,
    history: asArray(root['history'], 'history').map(readHistory),
    defaults: readDefaults(root['config']),
  };
}

function asDiffId(text: string): Digest {
  if (isDigest(text)) return text;
  throw new JsonShapeError(`rootfs.diff_ids holds ${JSON.stringify(text)}, which is no sha256 digest`);
}

function readHistory(value: unknown, index: number): HistoryItem {
  const what = `history[${index}]`;
  const item = asObject(value, what);
  return {
    created: asText(item['created'], `${what}.created`),
    createdBy: asText(item['created_by'], `${what}.created_by`),
    author: asText(item['author'], `${what}.author`),
    comment: asText(item['comment'], `${what}.comment`),
    emptyLayer: asFlag(item['empty_layer'], `${what}.empty_layer`),
  };
}

function readDefaults(value: unknown): ContainerDefaults {
  if (!isObject(value)) return NO_DEFAULTS;
  return {
    user: asText(value['User'], 'config.User'),
    exposedPorts: asKeys(value['ExposedPorts'], 'config.ExposedPorts'),
    env: asTexts(value['Env'], 'config.Env'),
    entrypoint: asTexts(value['Entrypoint'], 'config.Entrypoint'),
    cmd: asTexts(value['Cmd'], 'config.Cmd'),
    volumes: asKeys(value['Volumes'], 'config.Volumes'),
    workingDir: asText(value['WorkingDir'], 'config.WorkingDir'),
    labels: asTextMap(value['Labels'], 'config.Labels'),
    stopSignal: asText(value['StopSignal'], 'config.StopSignal'),
    shell: asTexts(value['Shell'], 'config.Shell'),
    onBuild: asTexts(value['OnBuild'], 'config.OnBuild'),
    healthcheck: readHealthcheck(value['Healthcheck']),
    argsEscaped: asFlag(value['ArgsEscaped'], 'config.ArgsEscaped'),
  };
}

function readHealthcheck(value: unknown): Healthcheck | undefined {
  if (value === undefined || value === null) return undefined;
  const check = asObject(value, 'config.Healthcheck');
  const number = (key: string): number => asWhole(check[key], `config.Healthcheck.${key}`);
  return {
    test: asTexts(check['Test'], 'config.Healthcheck.Test'),
    intervalNs: number('Interval'),
    timeoutNs: number('Timeout'),
    startPeriodNs: number('StartPeriod'),
    startIntervalNs: number('StartInterval'),
    retries: number('Retries'),
  };
}

function asSet(keys: readonly string[]): Record<string, object> {
  return Object.fromEntries([...keys].sort().map((key) => [key, {}]));
}

/** Members that are empty are left out: the text is hashed, and is what others will read. */
function present(entries: readonly (readonly [string, unknown, boolean])[]): Record<string, unknown> {
  return Object.fromEntries(entries.filter(([, , isGiven]) => isGiven).map(([key, value]) => [key, value]));
}

function healthcheckJson(check: Healthcheck): Record<string, unknown> {
  return present([
    ['Test', check.test, check.test.length > 0],
    ['Interval', check.intervalNs, check.intervalNs !== 0],
    ['Timeout', check.timeoutNs, check.timeoutNs !== 0],
    ['StartPeriod', check.startPeriodNs, check.startPeriodNs !== 0],
    ['StartInterval', check.startIntervalNs, check.startIntervalNs !== 0],
    ['Retries', check.retries, check.retries !== 0],
  ]);
}

function defaultsJson(defaults: ContainerDefaults): Record<string, unknown> {
  const check = defaults.healthcheck;
  return present([
    ['User', defaults.user, defaults.user !== ''],
    ['ExposedPorts', asSet(defaults.exposedPorts), defaults.exposedPorts.length > 0],
    ['Env', defaults.env, defaults.env.length > 0],
    ['Entrypoint', defaults.entrypoint, defaults.entrypoint.length > 0],
    ['Cmd', defaults.cmd, defaults.cmd.length > 0],
    ['Healthcheck', check === undefined ? undefined : healthcheckJson(check), check !== undefined],
    ['Volumes', asSet(defaults.volumes), defaults.volumes.length > 0],
    ['WorkingDir', defaults.workingDir, defaults.workingDir !== ''],
    ['Labels', Object.fromEntries(defaults.labels), defaults.labels.size > 0],
    ['StopSignal', defaults.stopSignal, defaults.stopSignal !== ''],
    ['Shell', defaults.shell, defaults.shell.length > 0],
    ['OnBuild', defaults.onBuild, defaults.onBuild.length > 0],
    ['ArgsEscaped', true, defaults.argsEscaped],
  ]);
}

function historyJson(item: HistoryItem): Record<string, unknown> {
  return present([
    ['created', item.created, item.created !== ''],
    ['created_by', item.createdBy, item.createdBy !== ''],
    ['author', item.author, item.author !== ''],
    ['comment', item.comment, item.comment !== ''],
    ['empty_layer', true, item.emptyLayer],
  ]);
}

/** The configuration as JSON text; its hash is the image's id. */
export function encodeImageConfig(config: ImageConfig): string {
  return JSON.stringify({
    ...present([
      ['created', config.created, config.created !== ''],
      ['author', config.author, config.author !== ''],
      ['comment', config.comment, config.comment !== ''],
      ['docker_version', config.dockerVersion, config.dockerVersion !== ''],
      ['variant', config.variant, config.variant !== ''],
      ['os.version', config.osVersion, config.osVersion !== ''],
    ]),
    architecture: config.architecture,
    os: config.os,
    config: defaultsJson(config.defaults),
    rootfs: { type: 'layers', diff_ids: config.diffIds },
    history: config.history.map(historyJson),
  });
}
