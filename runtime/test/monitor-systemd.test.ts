import { Deadline } from '@cleat/core/deadlines';
import { needs, runProcess } from '@cleat/harness';
import t from 'tap';
import { updateResources } from '../src/monitor/index.ts';
import { NO_RESOURCES, RuntimeFixture, specOf } from './runtime-fixture.ts';

if (needs(t, 'root', 'runc', 'conmon', 'busybox', 'systemd')) {
  t.test('with systemd a container is a scope, with its limits, and goes with it', async (t) => {
    const fixture = new RuntimeFixture(t, { isSystemd: true });
    const resources = { ...NO_RESOURCES, memoryBytes: 64 * 1024 * 1024 };
    const container = await fixture.run(specOf(['sh', '-c', 'sleep 100'], { resources }));
    t.ok(fixture.tree.processes(container.cgroup).includes(container.pid));
    const scope = container.cgroup.split('/').at(-1) ?? '';
    const show = async (): Promise<string> =>
      (await runProcess(['systemctl', 'show', '-p', 'MemoryMax', '-p', 'ActiveState', scope])).stdout;
    t.match(await show(), /MemoryMax=67108864/);
    const change = { memory: { limit: 32 * 1024 * 1024 } };
    const { id, directory } = container;
    const request = { id, bundle: directory, runtime: fixture.runtime, resources: change };
    await updateResources({ ...request, deadline: Deadline.after(10_000) });
    t.match(await show(), /MemoryMax=33554432/);
    fixture.kill(container);
    await fixture.exitOf(container);
    await fixture.clean(container);
    t.notOk(fixture.tree.exists(container.cgroup));
    t.match(await show(), /ActiveState=inactive/);
  });
}
