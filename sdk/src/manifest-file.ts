import { readFileSync } from 'node:fs';
import type { Manifest } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';

/**
 * The manifest.json of a plugin, for `definePlugin`: the kernel reads the same file when the plugin is installed. It is checked
 * there; here only that it is one. Throws `invalid_argument` MANIFEST_INVALID.
 */
export function readManifest(file: URL | string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new CleatError('invalid_argument', 'MANIFEST_INVALID', `the manifest ${String(file)} cannot be read`, { cause });
  }
  if (isManifest(value)) return value;
  throw new CleatError(
    'invalid_argument',
    'MANIFEST_INVALID',
    `${String(file)} is not a manifest of format 1 with name, version and contracts`,
  );
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null || !('cleat' in value) || value.cleat !== 1) return false;
  return (
    'name' in value && typeof value.name === 'string' && 'version' in value && typeof value.version === 'string' && 'contracts' in value
  );
}
