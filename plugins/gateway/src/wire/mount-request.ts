import { existsSync } from 'node:fs';
import type { MountRequest } from '@cleat/sdk/container';
import { badRequest, unsupported } from '../errors.ts';
import type { Fields } from './fields.ts';

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const PROPAGATIONS: ReadonlySet<string> = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);
/** SELinux relabelling and caching hints of other systems: without effect on this one, as in Docker. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['z', 'Z', 'cached', 'delegated', 'consistent', 'default']);

interface BindMode {
  readonly readonly: boolean;
  readonly nocopy: boolean;
  readonly propagation?: string;
}

function modeOf(text: string): BindMode {
  let mode: BindMode = { readonly: false, nocopy: false };
  const seen = new Set<string>();
  for (const word of text === '' ? [] : text.split(',')) {
    const group = word === 'ro' || word === 'rw' ? 'access' : PROPAGATIONS.has(word) ? 'propagation' : word;
    if (seen.has(group)) throw badRequest(`invalid mode: ${text}`);
    seen.add(group);
    if (word === 'ro') mode = { ...mode, readonly: true };
    else if (word === 'nocopy') mode = { ...mode, nocopy: true };
    else if (PROPAGATIONS.has(word)) mode = { ...mode, propagation: word };
    else if (word !== 'rw' && !WITHOUT_EFFECT.has(word)) throw badRequest(`invalid mode: ${text}`);
  }
  return mode;
}

function volumeName(name: string): string {
  if (!VOLUME_NAME.test(name)) {
    throw badRequest(
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  return name;
}

/** One of HostConfig.Binds: "source:target[:mode]", or a target alone. */
export function parseBind(text: string, driver: string): MountRequest {
  const parts = text.split(':');
  const [first = '', second, third = ''] = parts;
  if (parts.length > 3 || first === '' || second === '') throw badRequest(`invalid volume specification: '${text}'`);
  const drivenBy = driver === '' ? {} : { driver };
  if (second === undefined) {
    absolute(first, text);
    return { type: 'volume', target: first, anonymous: true, ...drivenBy };
  }
  // "/target:ro" is an anonymous volume with a mode, which Docker refuses as a relative target.
  absolute(second, text);
  const mode = modeOf(third);
  const propagation = mode.propagation === undefined ? {} : { propagation: mode.propagation };
  if (first.startsWith('/')) {
    return { type: 'bind', source: first, target: second, readonly: mode.readonly, createSource: true, ...propagation };
  }
  return {
    type: 'volume',
    name: volumeName(first),
    target: second,
    readonly: mode.readonly,
    nocopy: mode.nocopy,
    ...drivenBy,
    ...propagation,
  };
}

function absolute(target: string, text: string): void {
  if (/^\/+$/.test(target)) {
    throw badRequest(
      `invalid volume specification: '${text}': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
    );
  }
  if (!target.startsWith('/')) {
    throw badRequest(
      `invalid volume specification: '${text}': invalid mount config for type "volume": invalid mount path: '${target}' mount path must be absolute`,
    );
  }
}

/** One of HostConfig.Mounts. */
export function parseMount(mount: Fields): MountRequest {
  const type = mount.string('Type');
  const target = mount.string('Target');
  if (target === '') throw badRequest(`invalid mount config for type "${type}": field Target must not be empty`);
  if (type === 'bind') return bindMount(mount, target);
  if (type === 'volume') return volumeMount(mount, target);
  if (type === 'tmpfs') return tmpfsMount(mount, target);
  if (type === 'image' || type === 'npipe' || type === 'cluster') throw unsupported(`mounts of type "${type}" are not supported`);
  throw badRequest(`invalid mount config for type "${type}": mount type unknown`);
}

function refuseOptions(mount: Fields, type: string, names: readonly string[]): void {
  const wrong = names.find((name) => mount.has(name));
  if (wrong !== undefined) throw badRequest(`invalid mount config for type "${type}": field ${wrong} must not be specified`);
}

function bindMount(mount: Fields, target: string): MountRequest {
  refuseOptions(mount, 'bind', ['VolumeOptions', 'TmpfsOptions', 'ImageOptions']);
  const source = mount.string('Source');
  const options = mount.object('BindOptions');
  if (source === '') throw badRequest('invalid mount config for type "bind": field Source must not be empty');
  if (!source.startsWith('/')) {
    throw badRequest(`invalid mount config for type "bind": invalid mount path: '${source}' mount path must be absolute`);
  }
  const createSource = options.boolean('CreateMountpoint');
  if (!createSource && !existsSync(source)) {
    throw badRequest(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
  }
  if (options.boolean('ReadOnlyForceRecursive') && (!mount.boolean('ReadOnly') || options.boolean('ReadOnlyNonRecursive'))) {
    throw badRequest('mount options conflict: ReadOnlyForceRecursive needs ReadOnly and excludes ReadOnlyNonRecursive');
  }
  const propagation = options.string('Propagation');
  if (propagation !== '' && !PROPAGATIONS.has(propagation)) {
    throw badRequest(`invalid mount config for type "bind": invalid propagation mode: ${propagation}`);
  }
  return {
    type: 'bind',
    source,
    target,
    createSource,
    readonly: mount.boolean('ReadOnly'),
    nonRecursive: options.boolean('NonRecursive'),
    readonlyNonRecursive: options.boolean('ReadOnlyNonRecursive'),
    ...(propagation === '' ? {} : { propagation }),
  };
}

function volumeMount(mount: Fields, target: string): MountRequest {
  refuseOptions(mount, 'volume', ['BindOptions', 'TmpfsOptions', 'ImageOptions']);
  const options = mount.object('VolumeOptions');
  const driver = options.object('DriverConfig');
  const source = mount.string('Source');
  const subpath = options.string('Subpath');
  if (subpath !== '' && (subpath.startsWith('/') || subpath.split('/').includes('..'))) {
    throw badRequest(`invalid mount config for type "volume": subpath must be a relative path within the volume`);
  }
  if (source === '' && subpath !== '')
    throw badRequest('invalid mount config for type "volume": must not set Subpath when using anonymous volumes');
  return {
    type: 'volume',
    target,
    readonly: mount.boolean('ReadOnly'),
    nocopy: options.boolean('NoCopy'),
    ...(source === '' ? { anonymous: true } : { name: volumeName(source) }),
    ...(subpath === '' ? {} : { subpath }),
    ...(options.has('Labels') ? { labels: options.stringMap('Labels') } : {}),
    ...(driver.string('Name') === '' ? {} : { driver: driver.string('Name') }),
    ...(driver.has('Options') ? { options: driver.stringMap('Options') } : {}),
  };
}

function tmpfsMount(mount: Fields, target: string): MountRequest {
  refuseOptions(mount, 'tmpfs', ['BindOptions', 'VolumeOptions', 'ImageOptions']);
  if (mount.string('Source') !== '') throw badRequest('invalid mount config for type "tmpfs": field Source must not be specified');
  const options = mount.object('TmpfsOptions');
  const size = options.integer('SizeBytes');
  const mode = options.integer('Mode');
  if (size < 0) throw badRequest('invalid mount config for type "tmpfs": size must be positive');
  if (options.has('Options')) throw unsupported('TmpfsOptions.Options is not supported: use HostConfig.Tmpfs');
  return {
    type: 'tmpfs',
    target,
    options: [
      ...(mount.boolean('ReadOnly') ? ['ro'] : []),
      ...(size === 0 ? [] : [`size=${size}`]),
      ...(mode === 0 ? [] : [`mode=${mode.toString(8)}`]),
    ],
  };
}

/** All mounts of a request, without those of other containers. */
export function requestedMounts(config: Fields, host: Fields): readonly MountRequest[] {
  const driver = host.string('VolumeDriver');
  const mounts: MountRequest[] = [
    ...host.strings('Binds').map((bind) => parseBind(bind, driver)),
    ...host.objects('Mounts').map(parseMount),
    ...Object.entries(host.stringMap('Tmpfs')).map(
      ([target, options]): MountRequest => ({ type: 'tmpfs', target, options: options === '' ? [] : options.split(',') }),
    ),
  ];
  const targets = new Set(mounts.map((mount) => trimmed(mount.target)));
  for (const target of config.keys('Volumes')) {
    // An older form of a bind, in the set of volumes.
    const mount: MountRequest = target.includes(':') ? parseBind(target, driver) : { type: 'volume', target, anonymous: true };
    if (!targets.has(trimmed(mount.target))) mounts.push(mount);
  }
  return mounts;
}

export function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
