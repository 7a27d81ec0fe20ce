import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@cleat/harness';
import t, { type Test } from 'tap';
import { resolveUser } from '../src/oci/index.ts';

function rootWith(t: Test): string {
  const root = tempDir(t);
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n# no line\nweb:x:33:44:web:/srv:/bin/sh\n1000:x:7:7::/x:\nbad\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nweb:x:44:\nadm:x:4:root,web\nvideo:x:27:web\n');
  return root;
}

t.test('names and numbers are looked up as Docker does', async (t) => {
  const root = rootWith(t);
  t.same(resolveUser(root, ''), { uid: 0, gid: 0, additionalGids: [0, 4], home: '/root' });
  t.same(resolveUser(root, 'web'), { uid: 33, gid: 44, additionalGids: [44, 4, 27], home: '/srv' });
  t.same(resolveUser(root, '33'), { uid: 33, gid: 44, additionalGids: [44, 4, 27], home: '/srv' });
  t.same(resolveUser(root, 'web:video'), { uid: 33, gid: 27, additionalGids: [27], home: '/srv' });
  t.same(resolveUser(root, '1000:1000'), { uid: 1000, gid: 1000, additionalGids: [1000], home: '/' });
  t.same(resolveUser(root, 'web:99', ['video', '123', '27']), { uid: 33, gid: 99, additionalGids: [99, 27, 123], home: '/srv' });
});

t.test('what is not there is refused in the words that clients know', async (t) => {
  const root = rootWith(t);
  t.throws(() => resolveUser(root, 'foo'), {
    code: 'USER_NOT_FOUND',
    message: 'unable to find user foo: no matching entries in passwd file',
  });
  t.throws(() => resolveUser(root, 'web:foo'), {
    code: 'GROUP_NOT_FOUND',
    message: 'unable to find group foo: no matching entries in group file',
  });
  t.throws(() => resolveUser(root, 'web', ['foo']), { code: 'GROUP_NOT_FOUND' });
  t.throws(() => resolveUser(root, '4294967296'), { code: 'USER_OUT_OF_RANGE' });
  t.throws(() => resolveUser(root, '-1'), { code: 'USER_OUT_OF_RANGE' });
});

t.test('a root without the files knows numbers only, and a link leads nowhere outside', async (t) => {
  const root = tempDir(t);
  t.same(resolveUser(root, '5:6'), { uid: 5, gid: 6, additionalGids: [6], home: '/' });
  t.same(resolveUser(root, ''), { uid: 0, gid: 0, additionalGids: [0], home: '/' });
  mkdirSync(join(root, 'etc'));
  const outside = tempDir(t);
  writeFileSync(join(outside, 'passwd'), 'host:x:77:77::/:\n');
  symlinkSync(join(outside, 'passwd'), join(root, 'etc/passwd'));
  t.throws(() => resolveUser(root, 'host'), { code: 'USER_NOT_FOUND' });
});
