import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import t from 'tap';
import type { Manifest } from '../src/index.ts';

const repository = join(import.meta.dirname, '../../..');
const schema = readJson(join(repository, 'schemas/manifest.schema.json'));
const validate = new Ajv({ strict: true, strictRequired: false, allErrors: true }).compile(schema);

function readJson(path: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;
}

function faults(manifest: unknown): readonly string[] {
  return validate(manifest) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
}

/** Every field that a manifest can have: a new one in the type that is missing here does not compile. */
const full: Required<Manifest> = {
  cleat: 1,
  name: 'full',
  version: '1.2.3-beta.1',
  description: 'Everything',
  contracts: { provider: ['1.0', '1.10'] },
  provides: [{ kind: 'thing', reserve: true, attach: false, needsRoot: true, hearsUpdates: true, options: {}, status: {} }],
  drives: [{ kind: 'volume', name: 'full_fs', options: {} }],
  services: ['thing'],
  intercepts: ['container.*', 'volume.create'],
  uses: ['*', 'image.*', 'container.create', 'volume', 'plugin.consumerAdd', 'driver:volume'],
  events: { publishes: ['thing.made'], consumes: ['*', 'container.exec-started'], durable: true },
  permissions: { contribution: ['mounts', 'log'], mountRoots: ['$STATE', '$RUN/x', '/srv'], speakFor: true },
  config: { type: 'object' },
  run: { command: ['./run'], env: { A: 'b' }, bearer: true },
};

t.test('the manifest of every plugin and example fits', async (t) => {
  const folders = ['plugins', 'examples'].flatMap((parent) =>
    existsSync(join(repository, parent)) ? readdirSync(join(repository, parent)).map((name) => join(repository, parent, name)) : [],
  );
  const manifests = folders.map((folder) => join(folder, 'manifest.json')).filter((path) => existsSync(path));
  t.ok(manifests.length >= 4, `${manifests.length} manifests`);
  for (const path of manifests) t.same(faults(readJson(path)), [], path);
});

t.test('every field of the type may be written, and the schema knows no others', async (t) => {
  t.same(faults(full), []);
  const known = Object.keys(schema['properties'] ?? {}).filter((name) => name !== '$schema');
  t.same(known.sort(), Object.keys(full).sort());
});

const WRONG: readonly (readonly [string, object])[] = [
  ['an unknown field', { ...full, pulgins: [] }],
  ['an unknown permission', { ...full, permissions: { root: true } }],
  ['a name with a capital', { ...full, name: 'Full' }],
  ['a version of one number', { ...full, version: '1' }],
  ['a newer format', { ...full, cleat: 2 }],
  ['a contract without versions', { ...full, contracts: { provider: [] } }],
  ['a range in place of versions', { ...full, contracts: { provider: ['^1.0'] } }],
  ['a kind that does not say what it needs', { ...full, provides: [{ kind: 'thing' }] }],
  ['a relative mount root', { ...full, permissions: { mountRoots: ['data'] } }],
  ['an event type without a noun', { ...full, events: { publishes: ['made'] } }],
  ['a run without a command', { ...full, run: { command: [] } }],
];

for (const [what, manifest] of WRONG) {
  t.test(`${what} is refused`, async (t) => t.not(faults(manifest).length, 0));
}
