import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ProtocolDocument, SchemaBook } from '@cleat/schemas';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PACKAGES = ['schemas', 'core', 'sdk', 'runtime', 'streams', 'kernel'];

/** Programs of a release that is not this one: same code, and a version more of a contract. */
export interface OtherRelease {
  readonly kernelMain: string;
  readonly fakeProgram: string;
}

/** Copies the packages, and gives the copy's contract `provider` a version 1.1: its requests and answers have a field more. */
export function makeOtherRelease(dir: string): OtherRelease {
  const modules = join(dir, 'node_modules');
  mkdirSync(join(modules, '@cleat'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')).filter((entry) => !entry.startsWith('.')))
    if (name !== '@cleat') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  for (const name of PACKAGES) {
    const left = ['src', 'test', join('dist', 'test')].map((part) => join(ROOT, name, part));
    cpSync(join(ROOT, name), join(dir, name), { recursive: true, filter: (path) => !left.includes(path) });
    symlinkSync(join(dir, name), join(modules, '@cleat', name));
  }
  const fakes = join('test', 'dist', 'fakes');
  cpSync(join(ROOT, fakes), join(dir, fakes), { recursive: true });
  cpSync(join(ROOT, 'test', 'package.json'), join(dir, 'test', 'package.json'));
  releaseProvider(join(dir, 'schemas', 'released'));
  return { kernelMain: join(dir, 'kernel/dist/src/main.js'), fakeProgram: join(dir, fakes, 'fake-program.js') };
}

function releaseProvider(released: string): void {
  const document = JSON.parse(readFileSync(join(released, 'provider', '1.0.json'), 'utf8')) as ProtocolDocument;
  const types = document.types.map((type) => (hasMore(type) ? { ...type, fields: [...type.fields, LATER] } : type));
  const later = { ...document, types };
  writeFileSync(join(released, 'provider', '1.1.json'), JSON.stringify(later));
  const book = new SchemaBook();
  book.publish('provider', '1.1', later);
  const path = join(released, 'index.json');
  const index = new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>));
  for (const { name, namespace = document.namespace } of types) {
    const fullName = `${namespace}.${name}`;
    const { fingerprint } = book.record('provider', fullName, '1.1');
    if (!index.has(fingerprint)) index.set(fingerprint, ['provider', '1.1', fullName]);
  }
  writeFileSync(path, JSON.stringify(Object.fromEntries(index)));
}

const LATER = { type: 'string', name: 'saidByALaterVersion', default: 'later' };

interface RecordType {
  readonly name: string;
  readonly fields: readonly unknown[];
}

function hasMore(type: ProtocolDocument['types'][number]): type is ProtocolDocument['types'][number] & RecordType {
  return /^(Reserve|Attach|Detach|Release|Reconcile)(Request|Response)$/.test(type.name) && 'fields' in type;
}
