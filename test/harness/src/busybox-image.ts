import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Every tar of the same busybox is the same, byte by byte: tests may compare digests. */
const TAR_ARGS = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=ustar'];

export interface ImageOptions {
  /** Repository and tag, `busybox:latest` by default. */
  readonly name?: string;
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
}

/** Makes a root file system of Debian's busybox in `dir`, the same that bin/quickstart makes. Returns `dir`. */
export function makeBusyboxRootfs(dir: string): string {
  // From test/harness/dist/src to the repository's root.
  const script = resolve(import.meta.dirname, '../../../../build/busybox-rootfs');
  execFileSync(script, [dir], { stdio: ['ignore', 'ignore', 'inherit'] });
  return dir;
}

/** Writes a tar of a busybox root file system to `file`, for `docker import`. Returns `file`. */
export function makeImportTar(file: string): string {
  const work = `${file}.rootfs`;
  makeBusyboxRootfs(work);
  execFileSync('tar', ['-C', work, ...TAR_ARGS, '-cf', file, '.']);
  rmSync(work, { recursive: true, force: true });
  return file;
}

/** Writes an image of one layer to `file` in the format of `docker save`, for `docker load`. Returns its image id. */
export function makeLoadTar(file: string, options: ImageOptions = {}): string {
  const work = `${file}.image`;
  mkdirSync(work, { recursive: true });
  const layer = makeImportTar(join(work, 'layer.tar'));
  const config = JSON.stringify(imageConfig(sha256(readFileSync(layer)), options));
  const id = sha256(config);
  writeFileSync(join(work, `${id}.json`), config);
  const manifest = [{ Config: `${id}.json`, RepoTags: [options.name ?? 'busybox:latest'], Layers: ['layer.tar'] }];
  writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest));
  execFileSync('tar', ['-C', work, ...TAR_ARGS, '-cf', file, '.']);
  rmSync(work, { recursive: true, force: true });
  return `sha256:${id}`;
}

function imageConfig(layerDigest: string, options: ImageOptions): Record<string, unknown> {
  return {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: { Cmd: options.cmd ?? ['sh'], Env: options.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'busybox root file system' }],
  };
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
