import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import t from 'tap';
import ts from 'typescript';

const repository = resolve(import.meta.dirname, '../../..');
const guide = join(repository, 'docs/plugin-authors');

/** Code blocks of a page in a language, without the indent that a list gives them. */
function blocks(page: string, language: string): readonly string[] {
  const text = readFileSync(join(guide, page), 'utf8');
  const fence = new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^ *\`\`\``, 'gm');
  return [...text.matchAll(fence)].map(([, indent = '', body = '']) => body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
}

function readJson(path: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(join(repository, path), 'utf8')) as Readonly<Record<string, unknown>>;
}

function faultsBy(schema: object, value: unknown): readonly string[] {
  const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);
  return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
}

t.test('the manifest in the guide fits the schema of manifests', async (t) => {
  const [manifest = ''] = blocks('manifest.md', 'json');
  t.same(faultsBy(readJson('schemas/manifest.schema.json'), JSON.parse(manifest)), []);
});

t.test('hello and welcome in the guide are those of the contract', async (t) => {
  const { components } = readJson('docs/reference/asyncapi.json') as { components: { schemas: Readonly<Record<string, object>> } };
  const values = blocks('handshake.md', 'json').map((block) => JSON.parse(block) as object);
  const hello = values.find((value) => 'hello' in value);
  const welcome = values.find((value) => 'welcome' in value);
  t.same(faultsBy(components.schemas['hello'] ?? {}, hello), []);
  t.same(faultsBy(components.schemas['welcome'] ?? {}, welcome), []);
  t.not(faultsBy(components.schemas['hello'] ?? {}, welcome).length, 0);
});

t.test('every field of a manifest has its line in the guide', async (t) => {
  const text = readFileSync(join(guide, 'manifest.md'), 'utf8');
  const { properties } = readJson('schemas/manifest.schema.json') as { properties: Readonly<Record<string, object>> };
  const names = Object.keys(properties).filter((name) => name !== '$schema');
  t.ok(names.length > 10);
  t.same(
    names.filter((name) => !new RegExp(`^\\| \`${name}[.\`\\[]`, 'm').test(text)),
    [],
  );
});

t.test('the program in the guide compiles against the SDK', async (t) => {
  const cache = join(repository, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  // Below node_modules, so that the SDK is found as a plugin finds it.
  const dir = mkdtempSync(join(cache, 'cleat-guide-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'package.json'), '{"type": "module"}');
  writeFileSync(
    join(dir, 'manifest.ts'),
    "import type { Manifest } from '@cleat/schemas';\nexport const manifest: Manifest = { cleat: 1, name: 'gadget', version: '1.0.0', contracts: {} };\n",
  );
  const programs = readdirSync(guide).flatMap((page) => blocks(page, 'ts'));
  t.ok(programs.length > 0);
  const paths = programs.map((text, index) => {
    const path = join(dir, `program-${index}.ts`);
    writeFileSync(path, text);
    return path;
  });
  const options: ts.CompilerOptions = {
    ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, strict: true, noEmit: true, skipLibCheck: true },
    ...{ allowImportingTsExtensions: true, types: ['node'], typeRoots: [join(repository, 'node_modules/@types')] },
  };
  const program = ts.createProgram(paths, options);
  const faults = ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  t.same(faults, []);
});
