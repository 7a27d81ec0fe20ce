import t from 'tap';
import { SchemaBook } from '../src/index.ts';

const book = new SchemaBook();
const id = 'a'.repeat(64);

t.test('a request with only its required fields comes back with every default', async (t) => {
  const { request } = book.operation('container', 'create');
  const bytes = request.encode({ id, name: 'web', spec: { process: { args: ['true'] } } });
  const decoded = request.decode(bytes);
  t.equal(decoded.spec.namespaces.network, 'private');
  t.equal(decoded.spec.resources.memorySwappiness, -1);
  t.same(decoded.claims, []);
  t.equal(decoded.spec.stopSignal, 'SIGTERM');
});

t.test('a label called __proto__ survives', async (t) => {
  const { request } = book.operation('container', 'create');
  const labels = JSON.parse('{"__proto__":"kept","constructor":"too"}') as Readonly<Record<string, string>>;
  const decoded = request.decode(request.encode({ id, name: 'web', spec: { process: { args: ['true'] }, labels } }));
  t.same(Object.entries(decoded.spec.labels).sort(), [
    ['__proto__', 'kept'],
    ['constructor', 'too'],
  ]);
});

t.test('nanoseconds are exact', async (t) => {
  const codec = book.record<{ time: bigint }>('event', 'cleat.event.v1.Entry');
  const entry = {
    sequence: 1,
    id: 'n:1',
    source: '/n',
    type: 'x',
    subject: 's',
    time: 1_790_000_000_123_456_789n,
    objectSequence: 0,
    schema: 'f',
    data: Buffer.alloc(0),
  };
  t.equal(codec.decode(codec.encode(entry)).time, 1_790_000_000_123_456_789n);
});

t.test('hostile bytes are refused with a typed error', async (t) => {
  const { request } = book.operation('container', 'create');
  for (const bytes of [Buffer.alloc(0), Buffer.from([1, 2, 3]), Buffer.alloc(200, 0xff)]) {
    t.throws(() => request.decode(bytes), { class: 'invalid_argument', code: 'SCHEMA_MISMATCH' });
  }
});

t.test('encoding names the field that does not fit', async (t) => {
  const { request } = book.operation('container', 'start');
  t.throws(() => request.encode({ container: 5 as unknown as string }), /container/);
});

t.test('every released fingerprint is found, and an unknown one is a retryable error', async (t) => {
  const { request } = book.operation('volume', 'create');
  t.ok(book.knows(request.fingerprint));
  t.throws(() => book.decode(request, 'ffffffffffffffff', Buffer.alloc(1)), { code: 'SCHEMA_UNKNOWN', retryable: true });
});
