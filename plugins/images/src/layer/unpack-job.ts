import type { Digest } from '../store/digest.ts';

/** A run of ids of a user namespace. */
export interface IdRange {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

export interface IdMapping {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

export function isMapped(mapping: IdMapping | undefined): mapping is IdMapping {
  return mapping !== undefined && mapping.uids.length + mapping.gids.length > 0;
}

/** The host's id for one of the container's; undefined when no range has it. */
export function mapId(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  return range === undefined ? undefined : range.hostId + (id - range.containerId);
}

/**
 * How deletions are written. overlay: as overlayfs has them, for a directory that will be one of several layers;
 * merged: done at once, in a directory that already holds all the layers below.
 */
export type WhiteoutForm = 'overlay' | 'merged';

/** Unpacks a layer into a directory. */
export interface UnpackJob {
  readonly kind: 'unpack';
  readonly blobPath: string;
  /** An empty directory, or with the form `merged` a copy of what lies below. */
  readonly target: string;
  readonly form: WhiteoutForm;
  /** The directories of the layers below, upmost first: a directory that the archive leaves out takes its owner and mode from there. */
  readonly below: readonly string[];
  /** What the uncompressed archive must hash to; undefined where only the archive itself says it. */
  readonly diffId: Digest | undefined;
}

export interface UnpackResult {
  readonly diffId: Digest;
  /** Bytes of all files. */
  readonly contentBytes: number;
  /** Bytes of the uncompressed archive. */
  readonly archiveBytes: number;
}

/** Copies a tree with owners, modes, times, hard links, devices and extended attributes, with ids shifted where a mapping is given. */
export interface CopyJob {
  readonly kind: 'copy';
  readonly source: string;
  readonly target: string;
  readonly mapping: IdMapping | undefined;
}

export interface CopyResult {
  readonly contentBytes: number;
}

export type Job = UnpackJob | CopyJob;

/** A job as its process gets it. Both ends are of one version, so the kind says the rest. */
export function isJob(value: unknown): value is Job {
  return typeof value === 'object' && value !== null && 'kind' in value && (value.kind === 'unpack' || value.kind === 'copy');
}
