import { generateKeyPairSync, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { AccountBook } from '../src/bus/accounts.ts';
import { decodeBase32, encodeBase32 } from '../src/bus/base32.ts';
import { Identity, isPublicKey } from '../src/bus/identity.ts';
import { decodeCredentials, encodeCredentials } from '../src/bus/index.ts';
import { mintUser } from '../src/bus/jwt.ts';
import { OperationMemory } from '../src/bus/operation-memory.ts';
import { monotonicMs } from '../src/deadlines/index.ts';
import { granted, temporaryDirectory } from './bus-fixture.ts';

t.test('keys and seeds are those of nkeys', async (t) => {
  // The example of the nkeys specification.
  const user = Identity.fromSeed('SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY');
  t.equal(user.publicKey, 'UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4');
  t.equal(user.seed, 'SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY');
  for (const [kind, letter] of [
    ['operator', 'O'],
    ['account', 'A'],
    ['user', 'U'],
  ] as const) {
    const made = Identity.create(kind);
    t.match(made.publicKey, new RegExp(`^${letter}[A-Z2-7]{55}$`));
    t.match(made.seed, new RegExp(`^S${letter}[A-Z2-7]{56}$`));
    const again = Identity.fromSeed(made.seed);
    t.equal(again.publicKey, made.publicKey);
    t.equal(again.kind, kind);
    t.ok(isPublicKey(kind, made.publicKey));
    t.notOk(isPublicKey(kind === 'user' ? 'account' : 'user', made.publicKey));
    t.equal(JSON.stringify({ made }), `{"made":"${made.publicKey}"}`, 'no seed by accident');
  }
});

t.test('what is not a seed is refused without repeating it', async (t) => {
  const { seed, publicKey } = Identity.create('account');
  const flipped = `${seed.slice(0, 20)}${seed[20] === 'A' ? 'B' : 'A'}${seed.slice(21)}`;
  for (const text of ['', 'SU', publicKey, flipped, seed.slice(1), seed.toLowerCase(), `${seed}AA`]) {
    t.throws(() => Identity.fromSeed(text), { code: 'BUS_KEY_INVALID', message: 'this is not a valid NATS' });
  }
});

t.test('base32 comes back as it went', async (t) => {
  for (let length = 0; length < 40; length++) {
    const bytes = Buffer.from(Array.from({ length }, (_unused, index) => (index * 89 + length) & 255));
    t.same(decodeBase32(encodeBase32(bytes)), bytes);
  }
  t.equal(encodeBase32(Buffer.from('foobar')), 'MZXW6YTBOI');
  t.equal(decodeBase32('abc!'), undefined);
});

t.test('a statement is signed by its issuer and made within a few milliseconds', async (t) => {
  const account = Identity.create('account');
  const user = Identity.create('user');
  const claims = { name: 'volume', publish: ['rpc.>'], subscribe: ['_INBOX.>'], isBearer: false };
  const began = monotonicMs();
  const count = 200;
  let jwt = '';
  for (let index = 0; index < count; index++) jwt = mintUser(account, user.publicKey, claims, 1_700_000_000);
  const eachMs = (monotonicMs() - began) / count;
  t.ok(eachMs < 10, `${eachMs.toFixed(2)} ms each`);
  const [header = '', body = '', signature = ''] = jwt.split('.');
  t.match(JSON.parse(Buffer.from(body, 'base64url').toString()), {
    iss: account.publicKey,
    sub: user.publicKey,
    nats: { type: 'user', version: 2, pub: { allow: ['rpc.>'] } },
  });
  const signed = Buffer.from(`${header}.${body}`);
  t.ok(account.sign(signed).equals(Buffer.from(signature, 'base64url')));
  const { publicKey } = generateKeyPairSync('ed25519');
  t.notOk(verify(null, signed, publicKey, Buffer.from(signature, 'base64url')));
  t.throws(() => mintUser(account, user.publicKey, { ...claims, publish: [] }, 1), { code: 'BUS_CLAIMS_OPEN' });
});

t.test('credentials come back as they went, and rubbish is refused', async (t) => {
  const file = join(temporaryDirectory(t), 'accounts.json');
  const book = AccountBook.open(file);
  const credentials = book.credentials('kernel');
  t.same(decodeCredentials(encodeCredentials(credentials)), credentials);
  const bearer = book.credentials('kernel', { isBearer: true });
  t.same(decodeCredentials(encodeCredentials(bearer)), bearer);
  for (const text of ['', 'null', '{}', '{"exporting":{},"importing":{}}']) {
    t.throws(() => decodeCredentials(text), { code: 'BUS_CREDENTIALS_INVALID' });
  }
});

t.test('an account book remembers everybody, and an exporter’s statement never changes', async (t) => {
  const file = join(temporaryDirectory(t), 'accounts.json');
  const book = AccountBook.open(file);
  book.ensure('volume');
  book.ensure('gateway');
  const { exporting, importing } = book.keysOf('gateway');
  const before = new Map(book.statements.map(({ key, jwt }) => [key, jwt]));
  const grant = granted([{ provider: 'volume', address: 'volume', ops: ['list'] }], { events: ['container.*'] });
  t.same(book.grant('gateway', grant), { updated: [importing], deleted: [] });
  t.same(book.grant('gateway', grant), { updated: [], deleted: [] }, 'the same again is no change');
  t.same(book.ensure('gateway'), { updated: [], deleted: [] });
  const changed = book.statements.filter(({ key, jwt }) => before.get(key) !== jwt);
  t.same(
    changed.map(({ key }) => key),
    [importing],
  );
  const again = AccountBook.open(file);
  t.same(again.statements, book.statements);
  t.same(again.grantOf('gateway'), grant);
  t.equal(again.participantOf(exporting), 'gateway');
  t.notMatch(readFileSync(file, 'utf8'), /"SU[A-Z2-7]{56}"/, 'users are not kept');
  const revoked = again.revoke('gateway');
  t.same(revoked.updated, [exporting, importing]);
  t.same(again.remove('gateway').deleted, [exporting, importing]);
  t.same(AccountBook.open(file).participants, ['kernel', 'volume']);
});

t.test('finished operations are remembered for ten minutes, within bounds', async (t) => {
  let now = 0;
  const memory = new OperationMemory(() => now);
  const answer = (bytes: number): { op: string; headers: Map<string, string>; body: Buffer } => ({
    op: 'create',
    headers: new Map(),
    body: Buffer.alloc(bytes),
  });
  memory.remember('first', answer(10));
  now = 599_000;
  memory.remember('second', answer(10));
  t.equal(memory.get('first')?.op, 'create');
  now = 600_001;
  t.equal(memory.get('first'), undefined);
  t.equal(memory.get('second')?.op, 'create');
  for (let count = 0; count < 5_000; count++) memory.remember(`many${count}`, answer(1));
  t.equal(memory.get('many0'), undefined);
  t.equal(memory.get('many4999')?.op, 'create');
  t.ok(memory.count <= 4_096);
  for (let count = 0; count < 10; count++) memory.remember(`large${count}`, answer(1_000_000));
  t.equal(memory.get('many4999'), undefined);
  t.equal(memory.get('large9')?.op, 'create');
  t.ok(memory.count <= 4);
});
