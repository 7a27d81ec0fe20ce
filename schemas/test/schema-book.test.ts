import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { codecOf, compileType, fingerprintOf, SchemaBook } from '../src/index.ts';

const home = join(import.meta.dirname, '../..');
const index = JSON.parse(readFileSync(join(home, 'released/index.json'), 'utf8')) as Readonly<Record<string, readonly string[]>>;

t.test('the schema of every fingerprint stands alone and is the schema of that fingerprint', async (t) => {
  const book = new SchemaBook();
  const fingerprints = Object.keys(index);
  t.ok(fingerprints.length > 150, `${fingerprints.length} schemas`);
  const found = fingerprints.map((fingerprint) => {
    const { name, schema } = book.schemaOf(fingerprint);
    // Through JSON and an empty registry, as whoever asks for it over the bus reads it.
    const type = compileType(JSON.parse(JSON.stringify(schema)));
    return [type.name === name, name, fingerprintOf(type)];
  });
  t.same(
    found,
    fingerprints.map((fingerprint) => [true, book.whatIs(fingerprint)?.name, fingerprint]),
  );
});

t.test('a schema keeps nanoseconds, defaults and docs', async (t) => {
  const book = new SchemaBook();
  const { fingerprint } = book.record('event', 'cleat.event.v1.Entry');
  const text = JSON.stringify(book.schemaOf(fingerprint).schema);
  t.match(text, '"logicalType":"timestamp-nanos"');
  t.match(text, '"default":0');
  const { schema } = book.schemaOf(book.operation('container', 'create').request.fingerprint);
  t.match(JSON.stringify(schema), 'Opaque data of the program that makes it');
});

t.test('what a stranger compiles from the schema reads what we write', async (t) => {
  const book = new SchemaBook();
  const { request } = book.operation('container', 'create');
  const value = { id: 'a'.repeat(64), name: 'web', spec: { process: { args: ['true'] } }, claims: [{ name: 'root', kind: 'root' }] };
  const stranger = codecOf<unknown>(compileType(book.schemaOf(request.fingerprint).schema));
  t.same(stranger.decode(request.encode(value)), request.decode(request.encode(value)));
});

t.test('a schema learnt from the registry is given on, and decodes an event of a newer sender', async (t) => {
  const book = new SchemaBook();
  const own = book.record<{ reason: string }>('event', 'cleat.event.v1.Node');
  const { schema } = book.schemaOf(own.fingerprint);
  const fields = schema['fields'] as readonly unknown[];
  const newer = { ...schema, fields: [...fields, { name: 'zone', type: 'string', default: '' }] };
  const writer = codecOf<unknown>(compileType(newer));
  t.throws(() => book.decode(own, writer.fingerprint, Buffer.alloc(1)), { code: 'SCHEMA_UNKNOWN' });
  t.equal(book.publishSchema(newer), writer.fingerprint);
  t.same(book.schemaOf(writer.fingerprint).schema, newer);
  t.equal(book.decode(own, writer.fingerprint, writer.encode({ reason: 'new', zone: 'a' })).reason, 'new');
});

t.test('a contract that a plugin published has schemas that stand alone too', async (t) => {
  const book = new SchemaBook();
  book.publish('backup', '1.0', {
    protocol: 'Backup',
    namespace: 'acme.backup.v1',
    types: [
      { type: 'record', name: 'Target', fields: [{ name: 'url', type: 'string' }] },
      {
        type: 'record',
        name: 'Request',
        fields: [
          { name: 'to', type: { type: 'array', items: 'Target' } },
          { name: 'else', type: 'Target' },
        ],
      },
    ] as never,
    messages: { start: { request: [{ type: 'Request' }], response: 'Target' } },
  });
  const { request } = book.anyOperation('backup', 'start');
  const { contract, version, schema } = book.schemaOf(request.fingerprint);
  t.same([contract, version], ['backup', '1.0']);
  t.equal(fingerprintOf(compileType(schema)), request.fingerprint);
});

t.test('a fingerprint that nobody knows is a retryable error', async (t) => {
  t.throws(() => new SchemaBook().schemaOf('0000000000000000'), { code: 'SCHEMA_UNKNOWN', retryable: true });
});
