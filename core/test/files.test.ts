import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { needs, tempDir } from '@cleat/harness';
import t from 'tap';
import { ensureDirectory, preallocate, readIfExists, removeTree, writeDurable } from '../src/files/index.ts';
import { bindMount, mount, umount } from '../src/syscalls/index.ts';

t.test('a file is replaced whole, with exactly its mode, and nothing is left beside it', async (t) => {
  const directory = tempDir(t);
  const path = join(directory, 'state.json');
  t.equal(await readIfExists(path), undefined);
  await writeDurable(path, 'first', 0o666);
  const inode = lstatSync(path).ino;
  await writeDurable(path, Buffer.from('second'), 0o640);
  t.equal(String(await readIfExists(path)), 'second');
  t.equal(lstatSync(path).mode & 0o777, 0o640);
  t.not(lstatSync(path).ino, inode);
  t.strictSame(readdirSync(directory), ['state.json']);
});

t.test('many writers at once leave one whole content', async (t) => {
  const directory = tempDir(t);
  const path = join(directory, 'file');
  const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
  await Promise.all(contents.map((content) => writeDurable(path, content, 0o600)));
  t.ok(contents.includes(readFileSync(path, 'utf8')));
  t.strictSame(readdirSync(directory), ['file']);
});

t.test('a write that fails leaves the old file and no other', async (t) => {
  const directory = tempDir(t);
  const path = join(directory, 'taken');
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), '');
  await t.rejects(writeDurable(path, 'text', 0o600), { code: 'SYSCALL_EISDIR' });
  t.strictSame(readdirSync(directory), ['taken']);
  await t.rejects(writeDurable(join(directory, 'missing/file'), 'text', 0o600), { code: 'SYSCALL_ENOENT' });
});

t.test('a full disk keeps the old content', async (t) => {
  if (!needs(t, 'root')) return;
  const directory = tempDir(t);
  mount({ source: 'small', target: directory, type: 'tmpfs', data: 'size=64k' });
  t.teardown(() => umount(directory, { lazy: true }));
  const path = join(directory, 'file');
  await writeDurable(path, 'old', 0o600);
  await t.rejects(writeDurable(path, 'x'.repeat(200_000), 0o600), { code: 'SYSCALL_ENOSPC' });
  t.equal(readFileSync(path, 'utf8'), 'old');
  t.strictSame(readdirSync(directory), ['file']);
});

t.test('preallocated blocks are there before they are written', async (t) => {
  const path = join(tempDir(t), 'file');
  const fd = openSync(path, 'w');
  preallocate(fd, 1 << 20);
  t.equal(fstatSync(fd).size, 1 << 20);
  t.ok(fstatSync(fd).blocks * 512 >= 1 << 20);
  closeSync(fd);
});

t.test('a directory gets its mode and owner whether or not it was there', async (t) => {
  if (!needs(t, 'root')) return;
  const directory = tempDir(t);
  const path = join(directory, 'a/b');
  await ensureDirectory(path, 0o1777, { uid: 3, gid: 4 });
  t.match(lstatSync(path), { uid: 3, gid: 4 });
  t.equal(lstatSync(path).mode & 0o7777, 0o1777);
  chmodSync(path, 0o700);
  await ensureDirectory(path, 0o711);
  t.equal(lstatSync(path).mode & 0o7777, 0o711);
  t.match(lstatSync(path), { uid: 3, gid: 4 }, 'an owner that is not given stays');
  writeFileSync(join(directory, 'file'), '');
  await t.rejects(ensureDirectory(join(directory, 'file'), 0o700), { code: 'NOT_A_DIRECTORY' });
  symlinkSync(path, join(directory, 'link'));
  await t.rejects(ensureDirectory(join(directory, 'link'), 0o700), { code: 'NOT_A_DIRECTORY' });
});

t.test('a tree is removed without following its links', async (t) => {
  const directory = tempDir(t);
  const outside = join(directory, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'kept'), '');
  const path = join(directory, 'tree');
  mkdirSync(join(path, 'a/b/c'), { recursive: true });
  for (let index = 0; index < 100; index += 1) writeFileSync(join(path, 'a/b', `file ${index}`), '');
  symlinkSync(outside, join(path, 'a/link'));
  await removeTree(path);
  t.equal(existsSync(path), false);
  t.ok(existsSync(join(outside, 'kept')));
  await removeTree(path);
  symlinkSync(outside, path);
  await removeTree(path);
  t.equal(existsSync(path), false, 'a link is removed as a link');
  t.ok(existsSync(join(outside, 'kept')));
  await removeTree(join(directory, 'no/such/place'));
  await t.rejects(removeTree('/'), { code: 'PATH_INVALID' });
  await t.rejects(removeTree(`${directory}/..`), { code: 'PATH_INVALID' });
});

t.test('a very deep tree and names that are no text are removed', async (t) => {
  const directory = tempDir(t);
  const path = join(directory, 'tree');
  mkdirSync(path);
  const script = `import os
os.chdir(${JSON.stringify(path)})
open(b'\\xff\\xfe', 'w').close()
os.mkdir(b'.removing-${process.pid}-1')
for i in range(1500):
    os.mkdir(b'd\\xff')
    os.chdir(b'd\\xff')
    if i % 100 == 0: open('file', 'w').close()
`;
  if (!needs(t, 'python3')) return;
  execFileSync('python3', ['-c', script]);
  await removeTree(path);
  t.strictSame(readdirSync(directory), []);
});

t.test('mount points in a tree are left and named, and all else goes', async (t) => {
  if (!needs(t, 'root')) return;
  const directory = tempDir(t);
  const path = join(directory, 'tree');
  const [source, target, file] = [join(directory, 'source'), join(path, 'a/mnt'), join(path, 'b/file')];
  for (const made of [source, target, join(path, 'b'), join(path, 'c/d')]) mkdirSync(made, { recursive: true });
  writeFileSync(join(source, 'kept'), 'kept');
  writeFileSync(file, '');
  bindMount(source, target);
  bindMount(join(source, 'kept'), file);
  t.teardown(() => {
    umount(target, { lazy: true });
    umount(file, { lazy: true });
  });
  const failure = await removeTree(path).catch((error: unknown) => error);
  t.match(failure, { class: 'conflict', code: 'TREE_HAS_MOUNTS', message: /tree\/a\/mnt/ });
  t.match(failure, { message: /tree\/b\/file/ });
  t.strictSame(readdirSync(path).sort(), ['a', 'b']);
  t.equal(readFileSync(join(source, 'kept'), 'utf8'), 'kept', 'a bind of the same file system is not entered');
  umount(target);
  umount(file);
  await removeTree(path);
  t.equal(existsSync(path), false);
});

t.test('a removal can be cancelled and carried on', async (t) => {
  const path = join(tempDir(t), 'tree');
  mkdirSync(join(path, 'a'), { recursive: true });
  await t.rejects(removeTree(path, AbortSignal.abort()), { name: 'AbortError' });
  t.ok(existsSync(path));
  await removeTree(path);
  t.equal(existsSync(path), false);
});
