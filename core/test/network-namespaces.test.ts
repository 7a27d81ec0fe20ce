import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { leakCheck, needs, tempDir } from '@cleat/harness';
import t from 'tap';
import {
  bringLoopbackUp,
  createNetworkNamespace,
  createUserAndNetworkNamespace,
  isNamespacePinned,
  unpinNamespace,
  withNetworkNamespace,
} from '../src/syscalls/index.ts';

function own(): string {
  return readlinkSync('/proc/thread-self/ns/net');
}

function linksIn(pin: string): string {
  return execFileSync('nsenter', [`--net=${pin}`, 'ip', '-o', 'link'], { encoding: 'utf8' });
}

t.test('a namespace is made, pinned and left, and is gone when unpinned', async (t) => {
  if (!needs(t, 'root', 'ip')) return;
  const directory = tempDir(t);
  const leaks = leakCheck(t, { dirs: [directory] });
  const pin = join(directory, 'net');
  t.teardown(() => {
    unpinNamespace(pin);
  });
  const home = own();
  createNetworkNamespace(pin, bringLoopbackUp);
  t.equal(own(), home);
  t.equal(isNamespacePinned(pin), true);
  t.match(linksIn(pin), /^1: lo: <LOOPBACK,UP,LOWER_UP>/);
  t.equal(linksIn(pin).trim().split('\n').length, 1, 'with no link but loopback');
  unpinNamespace(pin);
  unpinNamespace(pin);
  t.equal(isNamespacePinned(pin), false);
  await leaks.assertNothingLeft();
});

t.test('a window runs in the namespace and comes back, also when it throws', async (t) => {
  if (!needs(t, 'root')) return;
  const pin = join(tempDir(t), 'net');
  t.teardown(() => {
    unpinNamespace(pin);
  });
  createNetworkNamespace(pin);
  const home = own();
  const inside = withNetworkNamespace(pin, own);
  t.not(inside, home);
  t.throws(
    () =>
      withNetworkNamespace(pin, () => {
        throw new Error('inside');
      }),
    /inside/,
  );
  t.equal(own(), home);
  t.throws(() => withNetworkNamespace(pin, async () => undefined), { code: 'NAMESPACE_WINDOW_ASYNC' });
  t.equal(own(), home);
});

t.test('work begun inside a window does not move the thread pool into the namespace', async (t) => {
  if (!needs(t, 'root')) return;
  const pin = join(tempDir(t), 'net');
  t.teardown(() => {
    unpinNamespace(pin);
  });
  createNetworkNamespace(pin);
  await withNetworkNamespace(pin, () => ({ later: stat('/') })).later;
  const home = own();
  const namespaces = execFileSync('sh', ['-c', `readlink /proc/${process.pid}/task/*/ns/net`], { encoding: 'utf8' });
  const threads = namespaces.trim().split('\n');
  t.ok(threads.length >= 5, 'the main thread and the pool are there');
  t.ok(threads.every((thread) => thread === home));
});

t.test('a pin that exists is refused and stays', async (t) => {
  if (!needs(t, 'root')) return;
  const pin = join(tempDir(t), 'net');
  t.teardown(() => {
    unpinNamespace(pin);
  });
  createNetworkNamespace(pin);
  t.throws(
    () => {
      createNetworkNamespace(pin);
    },
    { code: 'SYSCALL_EEXIST' },
  );
  t.equal(isNamespacePinned(pin), true);
});

t.test('when the work inside a new namespace fails nothing is left', async (t) => {
  if (!needs(t, 'root')) return;
  const pin = join(tempDir(t), 'net');
  t.throws(() => {
    createNetworkNamespace(pin, () => {
      throw new Error('inside');
    });
  }, /inside/);
  t.equal(existsSync(pin), false);
});

t.test('a path that is no namespace is refused', async (t) => {
  if (!needs(t, 'root')) return;
  t.throws(() => withNetworkNamespace('/etc/hostname', own), { class: 'not_found', code: 'NAMESPACE_NOT_PINNED' });
  t.throws(() => withNetworkNamespace('/nowhere', own), { class: 'not_found', code: 'SYSCALL_ENOENT' });
});

t.test('a user namespace owns the network namespace made with it', async (t) => {
  if (!needs(t, 'root', 'user-namespaces')) return;
  const directory = tempDir(t);
  const leaks = leakCheck(t, { dirs: [directory] });
  const pins = { userPin: join(directory, 'user'), netPin: join(directory, 'net') };
  t.teardown(() => {
    unpinNamespace(pins.userPin);
    unpinNamespace(pins.netPin);
  });
  const idMap = [{ containerId: 0, hostId: 100_000, size: 65_536 }];
  await createUserAndNetworkNamespace({ ...pins, uidMap: idMap, gidMap: idMap });
  const enter = ['--user=' + pins.userPin, '--net=' + pins.netPin];
  const seen = execFileSync('nsenter', [...enter, 'sh', '-c', 'cat /proc/self/uid_map /proc/self/gid_map; ip -o link'], {
    encoding: 'utf8',
  });
  t.match(seen, /^\s+0\s+100000\s+65536\n\s+0\s+100000\s+65536\n1: lo: <LOOPBACK,UP/);
  // Only the owner's root may configure it: mounting sysfs asks for the same as runc does.
  execFileSync('nsenter', [...enter, 'ip', 'link', 'set', 'lo', 'down']);
  unpinNamespace(pins.userPin);
  unpinNamespace(pins.netPin);
  await leaks.assertNothingLeft();
});

t.test('a refused id map leaves no pin and no helper', async (t) => {
  if (!needs(t, 'root', 'user-namespaces')) return;
  const directory = tempDir(t);
  const leaks = leakCheck(t, { dirs: [directory] });
  const pins = { userPin: join(directory, 'user'), netPin: join(directory, 'net') };
  const range = { containerId: 0, hostId: 100_000, size: 10 };
  const overlap = { containerId: 5, hostId: 200_000, size: 10 };
  const refused = createUserAndNetworkNamespace({ ...pins, uidMap: [range], gidMap: [range, overlap] });
  await t.rejects(refused, { code: 'SYSCALL_EINVAL' });
  const empty = createUserAndNetworkNamespace({ ...pins, uidMap: [], gidMap: [range] });
  await t.rejects(empty, { code: 'ID_MAP_INVALID' });
  const before = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  t.equal(before.trim(), '', 'no child is left');
  await leaks.assertNothingLeft();
});

t.test('making a user namespace can be cancelled', async (t) => {
  if (!needs(t, 'root', 'user-namespaces')) return;
  const directory = tempDir(t);
  const idMap = [{ containerId: 0, hostId: 100_000, size: 1 }];
  const request = { userPin: join(directory, 'user'), netPin: join(directory, 'net'), uidMap: idMap, gidMap: idMap };
  await t.rejects(createUserAndNetworkNamespace({ ...request, signal: AbortSignal.abort() }), { code: 'NAMESPACE_HELPER' });
  t.equal(existsSync(request.userPin), false);
});
