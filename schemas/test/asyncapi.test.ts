import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import t from 'tap';
import { eventTypes } from '../src/event-types.ts';
import { compileType, fingerprintOf, SchemaBook } from '../src/index.ts';

const reference = join(import.meta.dirname, '../../../docs/reference');
const released = join(import.meta.dirname, '../../released');

interface Document {
  readonly channels: Readonly<Record<string, { readonly address: string | null }>>;
  readonly operations: Readonly<Record<string, { readonly action: string }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

const text = readFileSync(join(reference, 'asyncapi.json'), 'utf8');
const document = JSON.parse(text) as Document;

function validator() {
  // The variant with ids makes ajv resolve one reference to two schemas.
  const path = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json');
  const schema = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;
  return new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
}

/** The part of the document that a reference names. */
function resolved(pointer: string): unknown {
  const tokens = pointer
    .slice(2)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  return tokens.reduce<unknown>(
    (value, token) => (typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(token) : undefined),
    document,
  );
}

t.test('the document is valid AsyncAPI 3, and a misspelt key is not', async (t) => {
  const validate = validator();
  t.ok(validate(document), JSON.stringify(validate.errors?.slice(0, 3)));
  t.notOk(validate({ ...document, chanels: {} }));
  const [name = ''] = Object.keys(document.operations);
  t.notOk(validate({ ...document, operations: { [name]: { ...document.operations[name], action: 'listen' } } }));
});

t.test('every reference in the document leads somewhere', async (t) => {
  const pointers = [...text.matchAll(/"\$ref": "(#[^"]*)"/g)].map((match) => match[1] ?? '');
  t.ok(pointers.length > 500, `${pointers.length} references`);
  t.same(
    pointers.filter((pointer) => resolved(pointer) === undefined),
    [],
  );
});

t.test('every Avro schema in the document compiles alone and is a released one', async (t) => {
  const book = new SchemaBook();
  const avro = Object.entries(document.components.schemas).filter(([, schema]) => 'schemaFormat' in schema);
  t.ok(avro.length > 100, `${avro.length} schemas`);
  t.same(
    avro.filter(([, schema]) => !book.knows(fingerprintOf(compileType(schema['schema'])))).map(([name]) => name),
    [],
  );
});

t.test('every operation of every contract and every event is in the document', async (t) => {
  const book = new SchemaBook();
  const contracts = readdirSync(released, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const calls = contracts.flatMap(({ name }) => book.operationsOf(name).map((operation) => `${name}.${operation}`));
  t.ok(calls.length > 50, `${calls.length} operations`);
  const events = eventTypes().map(({ type }) => `event.${type}`);
  const known = new Set(Object.keys(document.operations));
  t.same(
    [...calls, ...events, 'hello'].filter((name) => !known.has(name)),
    [],
  );
  t.same(
    events.filter((name) => document.operations[name]?.action !== 'send'),
    [],
  );
  t.equal(document.channels['provider-2.attach']?.address, 'rpc.{caller}.provider.{kind}-driver.{driver}.attach');
});
