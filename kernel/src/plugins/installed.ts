import type { Grant, Manifest } from '@cleat/schemas';

/** A plugin that is installed: what it is, what it may do, and how it is started. */
export interface InstalledPlugin {
  readonly manifest: Manifest;
  readonly grant: Grant;
  readonly enabled: boolean;
  /** default: part of the platform's configuration; third-party: installed by a user. */
  readonly origin: 'default' | 'third-party';
  /** Plugins with the same group share a process. */
  readonly group: string;
  /** Module of a default plugin, or the directory of an installed one. */
  readonly location: string;
  readonly config: Readonly<Record<string, unknown>>;
}
