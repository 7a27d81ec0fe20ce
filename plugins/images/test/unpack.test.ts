import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, tempDir } from '@cleat/harness';
import { getXattr } from '@cleat/sdk/filesystem';
import t from 'tap';
import type { WhiteoutForm } from '../src/layer/unpack-job.ts';
import { LayerWorkers } from '../src/layer/worker-client.ts';
import { type CraftedEntry, craftTar } from './craft-tar.ts';

const workers = new LayerWorkers(1);

interface Unpacking {
  readonly form?: WhiteoutForm;
  /** Made in the target before. */
  readonly before?: string;
  readonly below?: readonly string[];
}

async function unpack(t: TestContext, entries: readonly CraftedEntry[], options: Unpacking = {}): Promise<string> {
  const dir = tempDir(t);
  const target = join(dir, 'diff');
  mkdirSync(target);
  if (options.before !== undefined) execFileSync('sh', ['-ec', options.before], { cwd: target });
  const blobPath = craftTar(join(dir, 'layer.tar'), entries);
  await workers.unpack({
    kind: 'unpack',
    blobPath,
    target,
    form: options.form ?? 'overlay',
    below: options.below ?? [],
    diffId: undefined,
  });
  return target;
}

function isWhiteout(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isCharacterDevice() && stat.rdev === 0;
}

function isOpaque(path: string): boolean {
  return getXattr(path, 'trusted.overlay.opaque')?.toString() === 'y';
}

t.test('deletions become what overlayfs reads', async (t) => {
  const root = await unpack(t, [
    { name: 'etc/.wh.gone' },
    { name: 'var/.wh..wh..opq' },
    { name: 'var/new', data: 'new' },
    { name: '.wh..wh.aufs' },
    { name: 'a/.wh.b' },
    { name: 'a/b/', type: '5', mode: 0o755 },
    { name: 'a/.wh.f' },
    { name: 'a/f', data: 'again' },
    { name: 'own/', type: '5', mode: 0o755 },
    { name: 'own/file', data: 'mine' },
    { name: '.wh.own' },
  ]);
  t.ok(isWhiteout(join(root, 'etc/gone')));
  t.ok(isOpaque(join(root, 'var')));
  t.equal(readFileSync(join(root, 'var/new'), 'utf8'), 'new');
  t.ok(lstatSync(join(root, 'a/b')).isDirectory() && isOpaque(join(root, 'a/b')), 'a directory in place of a deletion hides what is below');
  t.equal(readFileSync(join(root, 'a/f'), 'utf8'), 'again');
  t.ok(isOpaque(join(root, 'own')), 'a deletion speaks of the layers below, not of its own');
  t.equal(readFileSync(join(root, 'own/file'), 'utf8'), 'mine');
  t.strictSame(readdirSync(root).sort(), ['a', 'etc', 'own', 'var']);
});

t.test('deletions are done at once where the layers are merged', async (t) => {
  const root = await unpack(
    t,
    [
      { name: 'var/new', data: 'new' },
      { name: 'var/.wh..wh..opq' },
      { name: '.wh.gone' },
      { name: 'etc/.wh.passwd' },
      { name: 'etc/passwd', data: 'root' },
    ],
    { form: 'merged', before: 'mkdir -p var/old/deep gone/deep etc; touch var/file gone/x; echo x > etc/passwd; echo h > etc/hosts' },
  );
  t.strictSame(readdirSync(root).sort(), ['etc', 'var']);
  t.strictSame(readdirSync(join(root, 'var')), ['new']);
  t.strictSame(readdirSync(join(root, 'etc')).sort(), ['hosts', 'passwd']);
  t.equal(readFileSync(join(root, 'etc/passwd'), 'utf8'), 'root');
});

t.test('a path that leaves the root is refused', async (t) => {
  const escapes: CraftedEntry[][] = [
    [{ name: '../escaped', data: 'x' }],
    [{ name: 'a/../../escaped', data: 'x' }],
    [{ name: 'x', pax: { path: '../escaped' }, data: 'x' }],
    [{ name: '../.wh.escaped' }],
    [
      { name: 'in', data: 'x' },
      { name: 'out', type: '1', link: '../../etc/passwd' },
    ],
  ];
  for (const entries of escapes) {
    await t.rejects(unpack(t, entries), { class: 'invalid_argument', code: 'IMAGE_LAYER_PATH_ESCAPES' }, JSON.stringify(entries));
  }
});

t.test('links of the layer lead nowhere but into the layer', async (t) => {
  const outside = tempDir(t);
  writeFileSync(join(outside, 'victim'), 'untouched');
  const root = await unpack(t, [
    { name: 'abs', type: '2', link: outside },
    { name: 'abs/made', data: 'inside' },
    { name: 'rel', type: '2', link: `${'../'.repeat(20)}tmp` },
    { name: 'rel/made', data: 'inside' },
    { name: 'chain', type: '2', link: 'abs/../../..' },
    { name: 'chain/top', data: 'inside' },
    { name: 'victim', type: '2', link: join(outside, 'victim') },
    { name: 'victim', data: 'replaced' },
    { name: 'opq', type: '2', link: outside },
    { name: 'opq/.wh.victim' },
    { name: 'hard', type: '1', link: 'abs/made' },
  ]);
  t.strictSame(readdirSync(outside), ['victim']);
  t.equal(readFileSync(join(outside, 'victim'), 'utf8'), 'untouched');
  t.equal(readFileSync(join(root, outside, 'made'), 'utf8'), 'inside');
  t.equal(readFileSync(join(root, 'tmp/made'), 'utf8'), 'inside');
  t.equal(readFileSync(join(root, 'top'), 'utf8'), 'inside');
  t.equal(readFileSync(join(root, 'victim'), 'utf8'), 'replaced');
  t.equal(statSync(join(root, 'hard')).nlink, 2);
});

t.test('hostile archives are refused', async (t) => {
  const cases: [string, CraftedEntry[]][] = [
    ['IMAGE_LAYER_CORRUPT', [{ name: 'a', type: '2', link: 'b' }, { name: 'b', type: '2', link: 'a' }, { name: 'a/x' }]],
    ['IMAGE_LAYER_CORRUPT', [{ name: 'file' }, { name: 'file/below' }]],
    ['IMAGE_LAYER_CORRUPT', [{ name: '.', data: 'x' }]],
    ['IMAGE_LAYER_CORRUPT', [{ name: 'hard', type: '1', link: 'absent' }]],
    ['IMAGE_LAYER_CORRUPT', [{ name: '.wh.gone' }, { name: 'hard', type: '1', link: 'gone' }]],
    [
      'IMAGE_LAYER_CORRUPT',
      [
        { name: 'd/', type: '5' },
        { name: 'hard', type: '1', link: 'd' },
      ],
    ],
    ['IMAGE_LAYER_CORRUPT', [{ name: 'd/.wh..' }]],
    ['IMAGE_LAYER_CORRUPT', [{ name: '.wh.' }]],
    ['IMAGE_ARCHIVE_ENTRY_UNSUPPORTED', [{ name: 'multi', type: 'M' }]],
    ['IMAGE_ARCHIVE_CORRUPT', [{ name: 'x', pax: { mtime: 'never' } }]],
    ['IMAGE_ARCHIVE_CORRUPT', [{ name: 'x', pax: { 'GNU.sparse.map': '0,5', 'GNU.sparse.size': '4' } }]],
  ];
  for (const [code, entries] of cases) await t.rejects(unpack(t, entries), { class: 'invalid_argument', code }, JSON.stringify(entries));
});

t.test('marks of overlayfs in an archive are not taken for content', async (t) => {
  const root = await unpack(t, [
    { name: 'd/', type: '5', mode: 0o755, pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.user.kept': 'yes' } },
  ]);
  t.equal(getXattr(join(root, 'd'), 'trusted.overlay.redirect'), undefined);
  t.equal(getXattr(join(root, 'd'), 'user.kept')?.toString(), 'yes');
});

t.test('a directory that the archive leaves out is like the one below it', async (t) => {
  const below = tempDir(t);
  execFileSync(
    'sh',
    ['-ec', 'mkdir -p home/user; chown 1000:1000 home/user; chmod 0700 home/user; chmod 0711 .; touch -d @1000000000 home/user'],
    { cwd: below },
  );
  const root = await unpack(t, [{ name: 'home/user/file', data: 'x' }], { below: [below] });
  const user = statSync(join(root, 'home/user'));
  t.strictSame([user.uid, user.gid, user.mode & 0o7777], [1000, 1000, 0o700]);
  t.equal(statSync(root).mode & 0o7777, 0o711);
  const hidden = await unpack(t, [{ name: 'home/user/file', data: 'x' }], { below: [await unpack(t, [{ name: '.wh.home' }]), below] });
  t.equal(statSync(join(hidden, 'home/user')).uid, 0, 'unless it was deleted in between');
});

t.test('a later entry of a name replaces the earlier one', async (t) => {
  const root = await unpack(t, [
    { name: 'a/', type: '5', mode: 0o700 },
    { name: 'a/b', data: 'x' },
    { name: 'a', data: 'file' },
    { name: 'c', data: 'file' },
    { name: 'c/', type: '5', mode: 0o750 },
    { name: 'c/', type: '5', mode: 0o711 },
    { name: 'c/d', data: 'x' },
  ]);
  t.equal(readFileSync(join(root, 'a'), 'utf8'), 'file');
  t.equal(statSync(join(root, 'c')).mode & 0o7777, 0o711);
  t.ok(existsSync(join(root, 'c/d')));
});

t.test('a job ends when its caller gives up', async (t) => {
  const dir = tempDir(t);
  const fifo = join(dir, 'never');
  execFileSync('mkfifo', [fifo]);
  const controller = new AbortController();
  const job = workers.unpack(
    { kind: 'unpack', blobPath: fifo, target: join(dir, 'd'), form: 'overlay', below: [], diffId: undefined },
    controller.signal,
  );
  setImmediate(() => controller.abort(new Error('given up')));
  await t.rejects(job, { message: 'given up' });
});
