import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, tempDir } from '@cleat/harness';
import { isCleatError } from '@cleat/schemas';
import t from 'tap';
import { bindMount, fileSystemType, makePrivate, makeShared, mount, mountTable, parseMountInfo, umount } from '../src/syscalls/index.ts';

const TMPFS_MAGIC = 0x01021994;

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

t.test('a mount shows in the table until it is unmounted', async (t) => {
  if (!needs(t, 'root')) return;
  const target = join(tempDir(t), 'a b\\c');
  mkdirSync(target);
  mount({ source: 'cleat-test', target, type: 'tmpfs', data: 'size=64k' });
  t.teardown(() => umount(target, { lazy: true }));
  const entry = mountTable().find(({ mountPoint }) => mountPoint === target);
  t.match(entry, { fsType: 'tmpfs', source: 'cleat-test' }, 'with its path unescaped');
  t.ok(entry?.superOptions.includes('size=64k'));
  t.equal(fileSystemType(target), TMPFS_MAGIC);
  t.equal(umount(target), true);
  t.equal(
    mountTable().some(({ mountPoint }) => mountPoint === target),
    false,
  );
});

t.test('unmounting what is not mounted is false, a busy mount is a conflict that a lazy one takes', async (t) => {
  if (!needs(t, 'root')) return;
  const target = tempDir(t);
  t.equal(umount(target), false);
  t.equal(umount(join(target, 'missing')), false);
  mount({ source: 'outer', target, type: 'tmpfs' });
  t.teardown(() => umount(target, { lazy: true }));
  mkdirSync(join(target, 'inner'));
  mount({ source: 'inner', target: join(target, 'inner'), type: 'tmpfs' });
  const busy = thrown(() => umount(target));
  t.ok(isCleatError(busy));
  t.match(busy, { class: 'conflict', code: 'SYSCALL_EBUSY', details: { errno: 'EBUSY', call: 'umount' } });
  t.equal(umount(target, { lazy: true }), true);
});

t.test('a read-only bind refuses writes and its source still takes them', async (t) => {
  if (!needs(t, 'root')) return;
  const directory = tempDir(t);
  const [source, target] = [join(directory, 'source'), join(directory, 'target')];
  mkdirSync(source);
  mkdirSync(target);
  bindMount(source, target, { readOnly: true });
  t.teardown(() => umount(target, { lazy: true }));
  writeFileSync(join(source, 'file'), 'text');
  t.equal(readFileSync(join(target, 'file'), 'utf8'), 'text');
  t.match(
    thrown(() => {
      writeFileSync(join(target, 'file'), 'other');
    }),
    { code: 'EROFS' },
  );
});

t.test('a recursive read-only bind is read-only in the mounts below too', async (t) => {
  if (!needs(t, 'root')) return;
  const directory = tempDir(t);
  const [source, target] = [join(directory, 'source'), join(directory, 'target')];
  mkdirSync(join(source, 'below'), { recursive: true });
  mkdirSync(target);
  mount({ source: 'below', target: join(source, 'below'), type: 'tmpfs' });
  t.teardown(() => umount(join(source, 'below'), { lazy: true }));
  bindMount(source, target, { recursive: true, readOnly: true });
  t.teardown(() => umount(target, { lazy: true }));
  for (const path of ['file', 'below/file']) {
    t.match(
      thrown(() => {
        writeFileSync(join(target, path), '');
      }),
      { code: 'EROFS' },
    );
    writeFileSync(join(source, path), '');
  }
});

t.test('a failed mount names the call, the errno and what it was about', async (t) => {
  if (!needs(t, 'root')) return;
  const target = join(tempDir(t), 'missing');
  t.match(
    thrown(() => {
      bindMount('/', target);
    }),
    { class: 'not_found', code: 'SYSCALL_ENOENT', message: new RegExp(`mount / on ${target}: ENOENT`) },
  );
  t.match(
    thrown(() => {
      mount({ target: 'a\0b' });
    }),
    { class: 'invalid_argument', code: 'PATH_INVALID' },
  );
});

t.test('propagation of a mount can be made shared and private', async (t) => {
  if (!needs(t, 'root')) return;
  const target = tempDir(t);
  mount({ source: 'cleat-test', target, type: 'tmpfs' });
  t.teardown(() => umount(target, { lazy: true }));
  const propagation = (): readonly string[] | undefined => mountTable().find(({ mountPoint }) => mountPoint === target)?.propagation;
  makeShared(target);
  t.match(propagation(), [/^shared:/]);
  makePrivate(target);
  t.strictSame(propagation(), []);
});

t.test('a mount table with optional fields and without is read alike', async (t) => {
  const entries = parseMountInfo(
    '36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n' +
      '40 35 0:1 / /x rw - tmpfs none rw\n',
  );
  t.equal(entries.length, 2);
  t.match(entries[0], { id: 36, parent: 35, root: '/mnt1', mountPoint: '/mnt 2', options: ['rw', 'noatime'] });
  t.strictSame(entries[0]?.propagation, ['master:1', 'shared:7']);
  t.match(entries[1], { fsType: 'tmpfs', source: 'none', propagation: [] });
});
