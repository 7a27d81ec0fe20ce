import { needs, tempDir } from '@cleat/harness';
import t from 'tap';
import { Platform } from '../platform/platform.ts';
import { wholeLife } from './container-life.ts';

t.test('a container lives on a host with cgroup v2, its cgroups made by the runtime', async (t) => {
  if (!needs(t, 'root', 'cgroup-v2', 'overlayfs', 'docker')) return;
  const platform = new Platform(tempDir(t, 'vm-life'));
  await platform.up();
  t.teardown(() => platform.down());
  await platform.importBusybox();
  await wholeLife(t, platform, 'cgroupfs');
});
