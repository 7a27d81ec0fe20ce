import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { needs, tempDir } from '@cleat/harness';
import t from 'tap';
import { getXattr, listXattrs, mkfifo, mount, removeXattr, SafeRoot, setXattr, umount } from '../src/syscalls/index.ts';

interface Tree {
  readonly root: SafeRoot;
  readonly path: string;
  /** A directory beside the root, which nothing may reach. */
  readonly outside: string;
}

function tree(t: { teardown(undo: () => void): void }): Tree {
  const directory = tempDir(t);
  const [path, outside] = [join(directory, 'root'), join(directory, 'outside')];
  mkdirSync(path);
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  const root = new SafeRoot(path);
  t.teardown(() => {
    root.close();
  });
  return { root, path, outside };
}

t.test('no link or dots lead out of the root', async (t) => {
  const { root, path, outside } = tree(t);
  mkdirSync(join(path, 'etc'));
  writeFileSync(join(path, 'etc/passwd'), 'inside');
  symlinkSync('/etc/passwd', join(path, 'absolute'));
  symlinkSync('../../../../../etc/passwd', join(path, 'etc/dots'));
  symlinkSync(join(outside, 'secret'), join(path, 'escape'));
  symlinkSync(outside, join(path, 'way'));
  symlinkSync('/proc/self/root', join(path, 'magic'));
  for (const name of ['etc/passwd', '/etc/passwd', 'absolute', 'etc/dots', '../../etc/passwd']) {
    t.equal(root.readFile(name, 100).toString(), 'inside', name);
  }
  for (const name of ['escape', 'way/secret', 'magic/etc/passwd']) {
    t.throws(() => root.readFile(name, 100), { code: 'SYSCALL_ENOENT' }, name);
  }
  for (const change of [
    () => {
      root.writeFile('way/secret', Buffer.from('x'), 0o644);
    },
    () => {
      root.chown('way/secret', { uid: 1, gid: 1 });
    },
    () => {
      root.chmod('way/secret', 0o777);
    },
    () => {
      root.symlink('x', 'way/secret');
    },
    () => {
      root.mkdir('way/new', 0o755);
    },
    () => {
      root.link('etc/passwd', 'way/new');
    },
  ]) {
    t.throws(change, { code: 'SYSCALL_ENOENT' });
  }
  t.equal(await root.remove('way/secret'), false);
  t.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
});

t.test('a link at the end of a path is replaced by what is written, never followed', async (t) => {
  const { root, path, outside } = tree(t);
  symlinkSync(join(outside, 'secret'), join(path, 'file'));
  root.writeFile('file', Buffer.from('mine'), 0o4751);
  t.equal(readFileSync(join(path, 'file'), 'utf8'), 'mine');
  t.equal(lstatSync(join(path, 'file')).mode & 0o7777, 0o4751, 'with exactly its mode');
  t.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
  root.symlink('/anywhere', 'file');
  t.equal(readlinkSync(join(path, 'file')), '/anywhere');
  t.equal(root.readlink('file'), '/anywhere');
  t.throws(
    () => {
      root.chmod('file', 0o777);
    },
    { code: 'NOT_A_FILE' },
  );
  t.equal(root.lstat('file').isSymbolicLink(), true);
  t.equal(root.exists('file'), false);
  t.throws(
    () => {
      root.writeFile('.', Buffer.from(''), 0o644);
    },
    { code: 'SYSCALL_EISDIR' },
  );
});

t.test('directories are made through links that stay inside', async (t) => {
  const { root, path, outside } = tree(t);
  mkdirSync(join(path, 'data'));
  symlinkSync('/data', join(path, 'link'));
  t.equal(root.mkdirp('link/a/b', 0o1777, { uid: 5, gid: 6 }), true);
  const stat = lstatSync(join(path, 'data/a/b'));
  t.match(stat, { uid: 5, gid: 6 });
  t.equal(stat.mode & 0o7777, 0o1777);
  t.equal(root.mkdirp('/link/a/b/'), false);
  symlinkSync(outside, join(path, 'out'));
  t.throws(() => root.mkdirp('out/new'), { code: 'SYSCALL_EEXIST' });
  t.equal(existsSync(join(outside, 'new')), false);
});

t.test('pipes and devices are never opened', async (t) => {
  if (!needs(t, 'root')) return;
  const { root, path } = tree(t);
  mkfifo(join(path, 'pipe'), 0o644);
  root.mknod('device', { type: 'char', mode: 0o600, major: 1, minor: 300 });
  t.throws(() => root.open('pipe'), { code: 'NOT_A_FILE' });
  t.throws(() => root.readFile('device', 10), { code: 'NOT_A_FILE' });
  t.equal(lstatSync(join(path, 'device')).rdev, (1 << 8) | (300 & 0xff) | (256 << 12));
  root.mknod('pipe', { type: 'fifo', mode: 0o622 });
  t.equal(root.stat('pipe').mode & 0o777, 0o622);
  t.throws(() => root.readFile('/', 10), { code: 'NOT_A_FILE' });
});

t.test('a file is read up to a limit or by a descriptor', async (t) => {
  const { root, path } = tree(t);
  writeFileSync(join(path, 'file'), 'x'.repeat(100_000));
  t.equal(root.readFile('file', 100_000).length, 100_000);
  t.throws(() => root.readFile('file', 99_999), { class: 'resource_exhausted', code: 'FILE_TOO_LARGE' });
  const fd = root.open('file');
  t.equal(readSync(fd, Buffer.alloc(10)), 10);
  closeSync(fd);
});

t.test('owners, links, times and attributes are set on the entry itself', async (t) => {
  if (!needs(t, 'root')) return;
  const { root, path } = tree(t);
  root.writeFile('file', Buffer.from('text'), 0o644);
  root.link('file', 'second');
  t.equal(lstatSync(join(path, 'file')).nlink, 2);
  root.symlink('file', 'link');
  root.chown('link', { uid: 7, gid: 8 });
  const modifiedNs = 1_600_000_000_123_456_789n;
  root.utimes('link', { accessedNs: 0n, modifiedNs });
  t.equal(lstatSync(join(path, 'link'), { bigint: true }).mtimeNs, modifiedNs);
  root.utimes('file', { accessedNs: 0n, modifiedNs: -1n });
  t.equal(lstatSync(join(path, 'file'), { bigint: true }).mtimeNs, -1n);
  t.match(lstatSync(join(path, 'link')), { uid: 7, gid: 8 });
  t.match(lstatSync(join(path, 'file')), { uid: 0, gid: 0 });
  root.chown('/', { uid: 9, gid: 9 });
  root.chmod('/', 0o711);
  t.equal(lstatSync(path).uid, 9);
  t.equal(lstatSync(path).mode & 0o777, 0o711);
  const value = Buffer.from([1, 0, 2]);
  root.withEntry('file', (entry) => {
    t.equal(getXattr(entry, 'trusted.test'), undefined);
    setXattr(entry, 'trusted.test', value);
    setXattr(entry, 'trusted.empty', Buffer.alloc(0));
    t.strictSame(getXattr(entry, 'trusted.test'), value);
    t.strictSame(getXattr(entry, 'trusted.empty'), Buffer.alloc(0));
    t.strictSame(listXattrs(entry).sort(), ['trusted.empty', 'trusted.test']);
    t.equal(removeXattr(entry, 'trusted.test'), true);
    t.equal(removeXattr(entry, 'trusted.test'), false);
  });
  t.strictSame(listXattrs(Buffer.from(join(path, 'file'))), ['trusted.empty'], 'by a path in bytes too');
});

t.test('a directory is listed and a path is shown without its links', async (t) => {
  const { root, path } = tree(t);
  mkdirSync(join(path, 'usr/bin'), { recursive: true });
  symlinkSync('usr/bin', join(path, 'bin'));
  symlinkSync('../../usr', join(path, 'usr/up'));
  symlinkSync('loop', join(path, 'loop'));
  t.strictSame(root.readdir('/').sort(), ['bin', 'loop', 'usr']);
  t.strictSame(root.readdir('bin/..'), root.readdir('usr'));
  t.equal(root.resolve('bin/tool'), '/usr/bin/tool');
  t.equal(root.resolve('/usr/up/up/../bin/x'), '/usr/bin/x');
  t.equal(root.resolve('../..'), '/');
  t.throws(() => root.resolve('loop'), { code: 'SYSCALL_ELOOP' });
});

t.test('entries are removed inside only, and a mount point among them is a conflict', async (t) => {
  if (!needs(t, 'root')) return;
  const { root, path, outside } = tree(t);
  mkdirSync(join(path, 'a/b'), { recursive: true });
  writeFileSync(join(path, 'a/b/file'), '');
  symlinkSync(outside, join(path, 'a/out'));
  t.equal(await root.remove('a'), true);
  t.equal(await root.remove('a'), false);
  t.strictSame(root.readdir('/'), []);
  t.ok(existsSync(join(outside, 'secret')));
  mkdirSync(join(path, 'c/mnt'), { recursive: true });
  mount({ source: 'test', target: join(path, 'c/mnt'), type: 'tmpfs' });
  t.teardown(() => umount(join(path, 'c/mnt'), { lazy: true }));
  await t.rejects(root.remove('c'), { code: 'TREE_HAS_MOUNTS', message: /c\/mnt is a mount point/ });
  umount(join(path, 'c/mnt'));
  t.equal(await root.remove('c'), true);
  await t.rejects(root.remove('/'), { code: 'PATH_INVALID' });
});

t.test('a directory that is swapped for a link while it is used never leads out', async (t) => {
  const { root, path, outside } = tree(t);
  mkdirSync(join(path, 'dir'));
  for (let round = 0; round < 200; round += 1) {
    if (round % 2 === 0) {
      renameSync(join(path, 'dir'), join(path, 'real'));
      symlinkSync(outside, join(path, 'dir'));
    } else {
      rmSync(join(path, 'dir'));
      renameSync(join(path, 'real'), join(path, 'dir'));
    }
    try {
      root.writeFile('dir/new', Buffer.from('x'), 0o644);
    } catch {
      // ENOENT while it is a link: what it names does not exist inside.
    }
  }
  t.equal(existsSync(join(outside, 'new')), false);
  t.equal(existsSync(join(path, 'dir/new')), true);
});
