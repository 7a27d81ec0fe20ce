import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@cleat/harness';
import t from 'tap';
import { importImage, planImport } from '../src/store/image-import.ts';
import { importFile, openTestStore, tar, writeFiles } from './open-test-store.ts';

t.test('import makes an image of one layer whose diff id is the hash of the archive', async (t) => {
  const dir = tempDir(t);
  const archive = tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'tree'), { 'etc/motd': 'hello\n', 'bin/run': '#!/bin/sh\n' }));
  const store = await openTestStore(t);
  const id = await importFile(store, archive, 'hello:1', ['CMD ["/bin/run"]', 'ENV A=1 B="two words"']);

  const record = store.images.resolve('hello:1');
  t.equal(record.id, id);
  t.strictSame(record.diffIds, [`sha256:${createHash('sha256').update(readFileSync(archive)).digest('hex')}`]);
  const config = await store.images.config(id);
  t.strictSame(config.defaults.cmd, ['/bin/run']);
  t.strictSame(config.defaults.env, ['A=1', 'B=two words']);
  t.equal(config.os, 'linux');
  t.equal(store.images.sizeOf(record), 'hello\n'.length + '#!/bin/sh\n'.length);
  t.strictSame(
    store.events.map(({ type, name }) => [type, name]),
    [
      ['image.imported', id],
      ['image.tagged', 'hello:1'],
    ],
  );
});

t.test('import takes gzip, xz, bzip2 and zstd, and all make the same layer', async (t) => {
  const dir = tempDir(t);
  const archive = tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'tree'), { file: 'x'.repeat(100_000) }));
  const store = await openTestStore(t);
  const plain = store.images.resolve(await importFile(store, archive));
  for (const program of ['gzip', 'xz', 'bzip2', 'zstd']) {
    execFileSync(program, ['-k', '-f', '-q', archive]);
    const suffix = { gzip: 'gz', xz: 'xz', bzip2: 'bz2', zstd: 'zst' }[program] ?? '';
    const record = store.images.resolve(await importFile(store, `${archive}.${suffix}`));
    t.strictSame(record.diffIds, plain.diffIds, program);
  }
});

t.test('import keeps owners, modes, times, links, devices and names of any bytes', async (t) => {
  const dir = tempDir(t);
  const tree = join(dir, 'tree');
  await writeFiles(tree, { 'usr/bin/tool': 'tool', 'var/data': 'data' });
  symlinkSync('usr/bin', join(tree, 'bin'));
  symlinkSync('/nowhere/../../..', join(tree, 'up'));
  const script = [
    'ln usr/bin/tool usr/bin/tool2',
    'mkfifo var/pipe',
    'mknod var/null c 1 3',
    'mknod var/disk b 259 70000',
    'chown 1234:4321 var/data',
    'chown -h 7:8 bin',
    'chmod 4755 usr/bin/tool',
    'mkdir -m 1777 tmp',
    'chmod 0700 var',
    "touch -d '2001-02-03 04:05:06.123456789 UTC' var/data usr",
    "printf x > $(printf 'var/caf\\351')",
    'truncate -s 1048576 var/sparse && printf end >> var/sparse',
    `printf %s ${'n'.repeat(150)} > var/${'n'.repeat(150)}`,
  ].join('\n');
  execFileSync('sh', ['-ec', script], { cwd: tree });
  for (const args of [['--format=pax'], ['--format=gnu'], ['--format=pax', '-S'], ['--format=gnu', '-S']]) {
    await t.test(`tar ${args.join(' ')}`, async (t) => {
      const store = await openTestStore(t);
      const record = store.images.resolve(await importFile(store, tar(join(dir, 'a.tar'), tree, ...args)));
      const [chain] = record.chains;
      const diff = chain === undefined ? '' : store.images.layers.diffPath(chain);
      const list = (path: string): string => {
        const time = args[0] === '--format=pax' ? '%T@' : '%Ts';
        return execFileSync(
          'sh',
          [
            '-ec',
            `find . -printf '%p %y %m %U %G %s %l %n ${time}\\n' | sort; find . -type f -exec sha256sum {} + | sort; stat -c '%n %t:%T' var/null var/disk`,
          ],
          { cwd: path, encoding: 'latin1', env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' } },
        );
      };
      // Sizes of directories are the file system's own.
      const plain = (text: string): string[] => text.split('\n').map((line) => line.replace(/^(\S+ d \d+ \d+ \d+) \d+/, '$1'));
      t.strictSame(plain(list(diff)), plain(list(tree)));
      t.ok(statSync(join(diff, 'var/sparse')).size > 1_000_000);
    });
  }
});

t.test('import keeps the capabilities of a file', async (t) => {
  const dir = tempDir(t);
  const tree = await writeFiles(join(dir, 'tree'), { ping: 'ping' });
  execFileSync('setcap', ['cap_net_raw+ep', join(tree, 'ping')]);
  const store = await openTestStore(t);
  const record = store.images.resolve(await importFile(store, tar(join(dir, 'a.tar'), tree, '--xattrs', '--xattrs-include=security.*')));
  const [chain] = record.chains;
  const diff = chain === undefined ? '' : store.images.layers.diffPath(chain);
  t.match(execFileSync('getcap', [join(diff, 'ping')], { encoding: 'utf8' }), /cap_net_raw=ep/);
});

t.test('a bad archive leaves nothing behind', async (t) => {
  const dir = tempDir(t);
  const good = tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'tree'), { file: 'x'.repeat(50_000) }));
  const store = await openTestStore(t);
  const plan = planImport({ target: 'bad', changes: [], message: '', platform: '' });
  const cut = async function* (): AsyncGenerator<Buffer> {
    yield readFileSync(good).subarray(0, 20_000);
  };
  await t.rejects(importImage(store.images, plan, cut()), { class: 'invalid_argument', code: 'IMAGE_ARCHIVE_TRUNCATED' });
  const noise = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.alloc(4096, 'noise');
  };
  await t.rejects(importImage(store.images, plan, noise()), { class: 'invalid_argument', code: 'IMAGE_ARCHIVE_CORRUPT' });
  const broken = async function* (): AsyncGenerator<Buffer> {
    yield* createReadStream(good, { end: 10_000 });
    throw new Error('the client went away');
  };
  await t.rejects(importImage(store.images, plan, broken()), { message: 'the client went away' });
  await store.trash.empty();
  for (const name of ['blobs/sha256', 'incoming', 'work', 'layers', 'trash', 'l']) {
    t.strictSame(readdirSync(join(store.directory, name)), [], name);
  }
  t.equal(store.images.index.images.size, 0);
});

t.test('what cannot be imported is refused before a byte is read', async (t) => {
  const plan = (options: Partial<Parameters<typeof planImport>[0]>) =>
    planImport({ target: '', changes: [], message: '', platform: '', ...options });
  t.throws(() => plan({ target: 'Upper' }), { code: 'IMAGE_REFERENCE_INVALID' });
  t.throws(() => plan({ target: `a@sha256:${'0'.repeat(64)}` }), { code: 'IMAGE_REFERENCE_INVALID' });
  t.throws(() => plan({ changes: ['RUN rm -rf /'] }), { code: 'IMAGE_CHANGE_INVALID', message: 'RUN is not a valid change command' });
  t.throws(() => plan({ platform: 'windows/amd64' }), { class: 'unimplemented', code: 'IMAGE_PLATFORM_UNSUPPORTED' });
  t.throws(() => plan({ platform: 'a/b/c/d' }), { code: 'IMAGE_PLATFORM_INVALID' });
});

t.test('an empty tree makes an image', async (t) => {
  const dir = tempDir(t);
  mkdirSync(join(dir, 'tree'));
  const store = await openTestStore(t);
  const record = store.images.resolve(await importFile(store, tar(join(dir, 'a.tar'), join(dir, 'tree'))));
  t.equal(store.images.sizeOf(record), 0);
});
