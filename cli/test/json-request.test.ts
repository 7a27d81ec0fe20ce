import { SchemaBook } from '@cleat/schemas';
import t from 'tap';
import { recordFromJson } from '../src/call/json-request.ts';

const book = new SchemaBook();

function request(contract: string, operation: string, value: unknown): unknown {
  const codec = book.anyOperation(contract, operation).request;
  return codec.decode(codec.encode(recordFromJson(value, book.typeOf(codec.fingerprint))));
}

t.test('times come from text, numbers and null, and defaults are filled in', async (t) => {
  const since = '2026-03-01T12:00:00.000000001Z';
  t.match(request('event', 'list', { since, types: ['container.*'] }), {
    since: 1_772_366_400_000_000_001n,
    until: 0n,
    after: -1,
    types: ['container.*'],
    limit: 500,
  });
  t.match(request('event', 'list', { since: null }), { since: 0n });
});

t.test('optional records are reached', async (t) => {
  t.match(request('container', 'update', { container: 'web', resources: { memoryBytes: 1024 } }), {
    resources: { memoryBytes: 1024 },
    restart: null,
  });
});

t.test('a field that the record does not have is refused, at any depth', async (t) => {
  t.throws(() => request('container', 'inspect', { containr: 'web' }), {
    code: 'USAGE',
    message: /no field containr/,
    hint: 'It has container.',
  });
  t.throws(() => request('container', 'update', { container: 'web', resources: { memory: 1 } }), {
    code: 'USAGE',
    message: /resources\.memory/,
  });
  t.throws(() => request('container', 'create', { id: 'x', name: 'y', spec: {}, claims: [{ nme: 'z' }] }), {
    code: 'USAGE',
    message: /claims\[0\]\.nme/,
  });
  t.throws(() => request('event', 'list', { since: 'soon' }), { code: 'USAGE', message: /since is no time/ });
});

t.test('what has the wrong type is for the codec to refuse', async (t) => {
  t.throws(() => request('container', 'inspect', { container: 3 }), { code: 'SCHEMA_MISMATCH' });
});
