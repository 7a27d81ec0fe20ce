import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CleatError, type Manifest } from '@cleat/schemas';
import { compileJsonSchema } from '../validation/index.ts';

/** Reads the manifest of a plugin that comes with the platform. Throws `not_found` MANIFEST_MISSING, `invalid_argument` MANIFEST_INVALID. */
export function readManifest(directory: string): Manifest {
  const path = join(directory, 'manifest.json');
  if (!existsSync(path)) throw new CleatError('not_found', 'MANIFEST_MISSING', `${directory} has no manifest.json`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CleatError('invalid_argument', 'MANIFEST_INVALID', `${path} is not JSON`, { cause });
  }
  if (isRecord(value) && value['cleat'] === 1 && typeof value['name'] === 'string') return value as unknown as Manifest;
  throw new CleatError('invalid_argument', 'MANIFEST_INVALID', `${path} is no manifest of the format 1`, {
    hint: 'A newer format needs a newer Cleat.',
  });
}

/** The same for a third party's, which is held against the schema of manifests. The error names each fault. */
export async function checkedManifest(directory: string): Promise<Manifest> {
  const manifest = readManifest(directory);
  const schema: unknown = JSON.parse(readFileSync(fileURLToPath(import.meta.resolve('@cleat/schemas/manifest.schema.json')), 'utf8'));
  const faults = (await compileJsonSchema(isRecord(schema) ? schema : {}))(manifest);
  if (faults.length === 0) return manifest;
  throw new CleatError(
    'invalid_argument',
    'MANIFEST_INVALID',
    `${join(directory, 'manifest.json')} is not valid: ${faults.slice(0, 5).join('; ')}`,
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
