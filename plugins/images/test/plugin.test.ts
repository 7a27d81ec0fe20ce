import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { type TestContext, tempDir, waitFor } from '@cleat/harness';
import type { StreamTicket } from '@cleat/sdk';
import t from 'tap';
import { imageService } from '../src/handlers/image-service.ts';
import { ImageStreams } from '../src/handlers/image-streams.ts';
import { RootProvider } from '../src/roots/root-provider.ts';
import { eventOf } from '../src/store/image-store.ts';
import { asObject } from '../src/store/json.ts';
import { inconsistencies } from './consistency.ts';
import { layeredImage } from './layered-image.ts';
import { importFile, openTestStore, type TestStore, tar, writeFiles } from './open-test-store.ts';

const BOOT = 'b';
const ACTOR = { principal: 'uid:0', caller: 'gateway', operation: 'op' };
const ID = 'a'.repeat(64);
const SIGNAL = new AbortController().signal;

/** Sockets as the SDK offers them, without the token. */
function offerStream(t: TestContext): (handler: (connection: Socket) => void | Promise<void>) => Promise<StreamTicket> {
  const dir = tempDir(t);
  let count = 0;
  return (handler) =>
    new Promise((resolve) => {
      count += 1;
      const socket = join(dir, `${count}.sock`);
      const server = createServer({ allowHalfOpen: true }, (connection) => {
        server.close();
        void handler(connection);
      }).listen(socket, () => resolve({ socket, token: '' }));
    });
}

function service(t: TestContext, store: TestStore) {
  const streams = new ImageStreams(store.images, { offerStream: offerStream(t), signal: SIGNAL });
  const call = { signal: SIGNAL, actor: ACTOR } as Parameters<ReturnType<typeof imageService>['list']>[1];
  return { handlers: imageService(store.images, streams), call };
}

async function send(ticket: StreamTicket, data: Uint8Array): Promise<Record<string, unknown>[]> {
  const socket = connect({ path: ticket.socket, allowHalfOpen: true });
  socket.end(data);
  const lines = (await text(socket)).trim().split('\n');
  return lines.map((line) => ({ ...asObject(JSON.parse(line), 'a line') }));
}

function claim(number: number) {
  return { object: `${ID}/root`, container: ID, claim: 'root', bootId: BOOT, number };
}

const CONTAINER = { id: ID, name: 'c', hostname: 'c', labels: {} };
const NO_MAPPING = { uids: [], gids: [] };

t.test('an archive goes in by a socket, is used, and comes out by another', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  const { handlers, call } = service(t, store);
  const archive = tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { hello: 'world' }));
  const request = { target: 'web:1', changes: ['CMD ["/bin/web"]', 'HEALTHCHECK CMD x'], message: '', platform: '' };
  const [line] = await send(await handlers.import(request, call), readFileSync(archive));
  const info = await handlers.inspect({ image: 'web:1' }, call);
  t.equal(line?.['id'], info.summary.id);
  t.match(info, {
    config: { cmd: ['/bin/web'], healthcheck: { test: ['CMD-SHELL', 'x'] } },
    comment: 'Imported from -',
    os: 'linux',
    driver: 'overlay2',
  });
  t.ok((info.summary.createdAt ?? 0n) > 1_700_000_000_000_000_000n);
  t.match(await handlers.history({ image: 'web:1' }, call), { entries: [{ tags: ['web:1'], sizeBytes: 5 }] });

  await handlers.tag({ image: 'web:1', target: 'web:2' }, call);
  const saved = await buffer(connect((await handlers.save({ images: ['web'] }, call)).socket));
  t.match(await handlers.remove({ image: String(line?.['id']), force: true, noPrune: false }, call), {
    items: [{ untagged: 'web:1' }, { untagged: 'web:2' }, { deleted: /^sha256:/ }, { deleted: /^sha256:/ }],
  });
  t.strictSame((await handlers.list({ all: true, filters: {}, sharedSize: false }, call)).images, []);
  const loaded = await send(await handlers.load({ quiet: false }, call), saved);
  t.match(loaded, [
    { progress: { message: 'Loading layer' } },
    { id: line?.['id'], reference: 'web:1' },
    { id: line?.['id'], reference: 'web:2' },
  ]);
  t.strictSame(
    store.events.map(({ type }) => type.slice('image.'.length)),
    ['imported', 'tagged', 'tagged', 'saved', 'untagged', 'untagged', 'deleted', 'loaded'],
  );
});

t.test('what is wrong with an archive is said on the socket', async (t) => {
  const store = await openTestStore(t);
  const { handlers, call } = service(t, store);
  const lines = await send(await handlers.load({ quiet: true }, call), Buffer.alloc(200_000, 'no archive'));
  t.match(lines, [{ error: { class: 'invalid_argument', code: 'IMAGE_ARCHIVE_CORRUPT', message: /corrupt/ } }]);
  const empty = await send(await handlers.load({ quiet: true }, call), Buffer.alloc(0));
  t.match(empty, [{ error: { class: 'invalid_argument', code: 'IMAGE_ARCHIVE_INVALID' } }]);
});

t.test('an archive that was cut off between two entries is refused', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  const { handlers, call } = service(t, store);
  const archive = readFileSync(tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { a: 'a', b: 'b' })));
  const request = { target: 'cut', changes: [], message: '', platform: '' };
  for (const size of [0, 512, 1536]) {
    const lines = await send(await handlers.import(request, call), archive.subarray(0, size));
    t.match(lines, [{ error: { code: 'IMAGE_ARCHIVE_TRUNCATED' } }], `${size} bytes`);
  }
  t.equal(store.images.has('cut'), false);
});

t.test('a client that goes away in the middle leaves nothing behind', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  const { handlers, call } = service(t, store);
  const archive = readFileSync(tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { big: 'x'.repeat(1_000_000) })));
  const ticket = await handlers.import({ target: 'gone', changes: [], message: '', platform: '' }, call);
  const socket = connect(ticket.socket);
  await new Promise((resolve) => socket.write(archive.subarray(0, 500_000), resolve));
  socket.destroy();
  await waitFor('the store to be clean', async () => (await inconsistencies(store)).length === 0);
  t.equal(store.images.has('gone'), false);
});

t.test('a root is reserved by id, attached, detached and released', async (t) => {
  const store = await openTestStore(t);
  await layeredImage(t, store, 'web:1');
  const provider = new RootProvider({ images: store.images, roots: store.roots, warn: () => undefined });
  const options = JSON.stringify({ image: store.images.resolve('web:1').id, reference: 'web:1' });
  const request = { options, container: CONTAINER, idMapping: NO_MAPPING, directory: '', fromImage: false };
  const { status = '' } = await provider.reserve({ ...request, reference: claim(1) }, SIGNAL);
  const { id } = store.images.resolve('web:1');
  t.match(JSON.parse(status), { image: id, driver: 'overlay2', data: { UpperDir: /upper$/, LowerDir: /diff:.*diff$/ } });
  const attach = { ...request, reference: claim(2), status, rootPath: '', networkNamespace: '', userNamespace: '' };
  const { contribution } = await provider.attach(attach, SIGNAL);
  t.match(contribution, { root: { type: 'overlay', lower: { length: 2 }, upper: /upper$/, work: /work$/ } });
  await t.rejects(
    service(t, store).handlers.remove({ image: id, force: true, noPrune: false }, service(t, store).call),
    /running container/,
  );
  await provider.detach({ reference: claim(2) });
  await provider.release({ reference: claim(3), purge: true });
  t.strictSame(store.roots.objects(), []);
  await provider.release({ reference: claim(3), purge: true });
  await t.rejects(provider.attach(attach, SIGNAL), { class: 'not_found', code: 'IMAGE_ROOT_UNKNOWN' });
});

t.test('a claim that cannot be met is refused', async (t) => {
  const store = await openTestStore(t);
  await layeredImage(t, store, 'web:1');
  const provider = new RootProvider({ images: store.images, roots: store.roots, warn: () => undefined });
  const reserve = (options: unknown) =>
    provider.reserve(
      {
        reference: claim(1),
        options: typeof options === 'string' ? options : JSON.stringify(options),
        container: CONTAINER,
        idMapping: NO_MAPPING,
        directory: '',
        fromImage: false,
      },
      SIGNAL,
    );
  await t.rejects(reserve({ image: 'absent' }), { class: 'not_found', code: 'IMAGE_NOT_FOUND' });
  await t.rejects(reserve({}), { code: 'IMAGE_CLAIM_INVALID' });
  await t.rejects(reserve('{'), { code: 'IMAGE_CLAIM_INVALID' });
  await t.rejects(reserve({ image: 'web:1', storage: { size: '1G' } }), {
    class: 'unimplemented',
    code: 'IMAGE_STORAGE_OPTION_UNSUPPORTED',
  });
  await t.rejects(reserve({ image: 'web:1', storage: { colour: 'red' } }), { code: 'IMAGE_STORAGE_OPTION_UNSUPPORTED' });
  t.strictSame(store.roots.objects(), []);
});

t.test('reconcile drops what is not listed, makes again what a power cut took, and names what is lost', async (t) => {
  const store = await openTestStore(t);
  await layeredImage(t, store, 'web:1');
  const warnings: string[] = [];
  const provider = new RootProvider({ images: store.images, roots: store.roots, warn: (message) => void warnings.push(message) });
  const options = JSON.stringify({ image: 'web:1' });
  const { status = '' } = await provider.reserve(
    { reference: claim(1), options, container: CONTAINER, idMapping: NO_MAPPING, directory: '', fromImage: false },
    SIGNAL,
  );
  const held = {
    options,
    status,
    attached: true,
    container: CONTAINER,
    idMapping: NO_MAPPING,
    directory: '',
    networkNamespace: '',
    userNamespace: '',
  };
  const all = { bootId: BOOT, position: 1, owed: [] };
  const other = { ...claim(4), object: 'other', container: 'other' };
  const lost = { ...claim(5), object: 'lost', container: 'lost' };

  t.strictSame(await provider.reconcile({ ...all, held: [{ ...held, reference: claim(1) }] }, SIGNAL), { lacks: [], failures: [] });
  t.strictSame(warnings, []);
  t.strictSame(store.images.uses.usersOf(store.images.resolve('web:1').id), [{ container: ID, isRunning: true }]);
  const gone = JSON.stringify({ image: `sha256:${'0'.repeat(64)}`, driver: 'overlay2' });
  const answer = await provider.reconcile(
    {
      ...all,
      held: [
        { ...held, attached: false, reference: other },
        { ...held, status: gone, reference: lost },
      ],
      owed: [{ reference: claim(2), operation: 'release', purge: true }],
    },
    SIGNAL,
  );
  t.strictSame(answer, { lacks: [lost], failures: [] });
  t.strictSame(store.roots.objects(), ['other']);
  t.equal(warnings.length, 2);
});

t.test('what a killed process did is made known at the next start', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  await importFile(store, tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { a: 'a' })), 'a:1');
  await store.images.index.change((draft) => draft.events.push(eventOf('image.deleted', store.images.resolve('a:1'), 'a:1', ACTOR)));
  const next = await openTestStore(t, { directory: store.directory });
  await next.images.publish();
  await next.images.publish();
  t.match(next.events, [{ type: 'image.deleted', name: 'a:1', actor: ACTOR }]);
  t.equal(next.events.length, 1);
});
