import { chmodSync } from 'node:fs';
import { needs, tempDir } from '@cleat/harness';
import t from 'tap';
import { Platform } from '../platform/platform.ts';
import { wholeLife } from './container-life.ts';

t.test('a container lives on a host with cgroup v2, its cgroups made by the runtime', async (t) => {
  if (!needs(t, 'root', 'cgroup-v2', 'overlayfs', 'docker')) return;
  const dir = tempDir(t, 'vm-life');
  // Root in a user namespace is another user out here, who has to get through to the root file system.
  chmodSync(dir, 0o711);
  const platform = new Platform(dir);
  await platform.up();
  t.teardown(() => platform.down());
  await platform.importBusybox();
  await wholeLife(t, platform, 'cgroupfs');
});
