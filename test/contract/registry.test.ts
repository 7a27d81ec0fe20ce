import { randomBytes } from 'node:crypto';
import { needs, tempDir } from '@cleat/harness';
import { codecOf, compileType, type event, fingerprintOf, SchemaBook, type sys } from '@cleat/schemas';
import t from 'tap';
import { BareKernel } from '../platform/bare-kernel.ts';

t.test('whoever is on the bus learns from the kernel who is there and what every payload means', async (t) => {
  if (!needs(t, 'root', 'nats-server', 'runc', 'conmon', 'busybox')) return;
  const kernel = new BareKernel(tempDir(t, 'registry'));
  t.teardown(() => kernel.down());
  await kernel.start();

  const { participants } = await kernel.call<sys.RegistryResponse>('sys', 'registry');
  const own = participants.find(({ name }) => name === 'kernel');
  t.match(own, { state: 'ready', contracts: { container: ['1.0'], sys: ['1.0'] } });

  const spec = { process: { args: ['true'] }, rootfs: kernel.rootfs, labels: { tier: 'a' } };
  await kernel.call('container', 'create', { id: randomBytes(32).toString('hex'), name: 'one', spec });
  const { events } = await kernel.call<event.ListResponse>('event', 'list', { after: 0 });
  const created = events.find(({ type }) => type === 'container.created');
  if (created === undefined) throw new Error('no container.created');

  // A stranger has nothing but the fingerprint that the event names.
  const { contract, version, schema } = await kernel.call<sys.SchemaResponse>('sys', 'schema', { fingerprint: created.schema });
  t.same([contract, version], ['event', '1.0']);
  const type = compileType(JSON.parse(schema));
  t.equal(fingerprintOf(type), created.schema);
  t.match(codecOf<unknown>(type).decode(created.data), { name: 'one', labels: { tier: 'a' } });

  // Records within records, and longs that are nanoseconds, come along.
  const codec = new SchemaBook().operation('container', 'inspect').response;
  const info = await kernel.call<sys.SchemaResponse>('sys', 'schema', { fingerprint: codec.fingerprint });
  t.equal(fingerprintOf(compileType(JSON.parse(info.schema))), codec.fingerprint);
  t.match(info.schema, '"logicalType":"timestamp-nanos"');
});

t.test('a fingerprint that nobody has published is not found', async (t) => {
  if (!needs(t, 'root', 'nats-server')) return;
  const kernel = new BareKernel(tempDir(t, 'registry'));
  t.teardown(() => kernel.down());
  await kernel.start();
  await t.rejects(kernel.call('sys', 'schema', { fingerprint: '0123456789abcdef' }), { class: 'not_found', code: 'SCHEMA_UNKNOWN' });
});
