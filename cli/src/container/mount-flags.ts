import { resolve } from 'node:path';
import type { MountRequest } from '@cleat/sdk/container';
import { usageError } from '../command/usage-error.ts';

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const PROPAGATIONS: ReadonlySet<string> = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

interface Mode {
  readonly readonly: boolean;
  readonly nocopy: boolean;
  readonly propagation?: string;
}

function modeOf(text: string, flag: string): Mode {
  let mode: Mode = { readonly: false, nocopy: false };
  for (const word of text === '' ? [] : text.split(',')) {
    if (word === 'ro') mode = { ...mode, readonly: true };
    else if (word === 'nocopy') mode = { ...mode, nocopy: true };
    else if (PROPAGATIONS.has(word)) mode = { ...mode, propagation: word };
    // Relabelling has no meaning without SELinux, and read-write is the default.
    else if (word !== 'rw' && word !== 'z' && word !== 'Z') throw usageError(`-v ${flag}: unknown mode "${word}"`);
  }
  return mode;
}

/** "-v": a target alone is an anonymous volume; a source with a slash is a path of the host, made when it is missing; else a volume's name. */
export function parseVolume(flag: string): MountRequest {
  const parts = flag.split(':');
  const [first = '', second, mode = ''] = parts;
  if (parts.length > 3 || first === '' || second === '') throw usageError(`-v ${flag}: not [SOURCE:]TARGET[:MODE]`);
  if (second === undefined) return { type: 'volume', target: absolute(first, flag), anonymous: true };
  const target = absolute(second, flag);
  const { readonly, nocopy, propagation } = modeOf(mode, flag);
  const more = propagation === undefined ? {} : { propagation };
  if (first.startsWith('/') || first === '.' || first.startsWith('./') || first.startsWith('../')) {
    if (nocopy) throw usageError(`-v ${flag}: nocopy is for volumes`);
    return { type: 'bind', source: resolve(first), target, readonly, createSource: true, ...more };
  }
  if (!VOLUME_NAME.test(first))
    throw usageError(`-v ${flag}: "${first}" is no name for a volume`, 'A path of the host begins with "/" or "./".');
  return { type: 'volume', name: first, target, readonly, nocopy, ...more };
}

/** "--tmpfs". */
export function parseTmpfs(flag: string): MountRequest {
  const colon = flag.indexOf(':');
  const target = colon < 0 ? flag : flag.slice(0, colon);
  const options = colon < 0 ? '' : flag.slice(colon + 1);
  return { type: 'tmpfs', target: absolute(target, flag), options: options === '' ? [] : options.split(',') };
}

function absolute(target: string, flag: string): string {
  if (target.startsWith('/')) return target;
  throw usageError(`${flag}: "${target}" is no absolute path in the container`);
}
