import type { Grant, Manifest } from '@cleat/schemas';
import { driverAddress, interceptorAddress, providerAddress } from '@cleat/schemas';
import type { RunEntry } from '../run/run-file.ts';

/** A plugin that was installed on a test node. */
export interface TestPlugin {
  readonly manifest: Manifest;
  readonly grant: Grant;
  readonly entry: RunEntry;
  /** For a process of its own: the value of CLEAT_RUN_FILE. */
  readonly runFile: string;
}

/** Addresses that a plugin answers, as its manifest says. */
export function addressesOf(manifest: Manifest): readonly string[] {
  return [
    ...(manifest.services ?? []),
    ...(manifest.provides ?? []).map(({ kind }) => providerAddress(kind)),
    ...(manifest.drives ?? []).map(({ kind, name }) => driverAddress(kind, name)),
    ...((manifest.intercepts ?? []).length > 0 ? [interceptorAddress(manifest.name)] : []),
  ];
}
