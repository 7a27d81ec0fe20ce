import { slowFactor, waitFor } from '@cleat/harness';
import type { CleatError } from '@cleat/schemas';
import t, { type Test } from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import type { BareKernel } from '../platform/bare-kernel.ts';
import { failure, slowed, startedKernel, timed } from './joint.ts';

t.setTimeout(115_000 * slowFactor());

const SLEEP = ['sleep', '1000'];
/** What "keeps its speed" means on a loaded test machine: far below the time for which the plugin is silent. */
const SPEED_MS = 3_000;

/** ps, inspect and rm -f of others, and a whole life of a container that needs nobody, while a plugin is bad. */
async function othersKeepSpeed(t: Test, kernel: BareKernel): Promise<void> {
  const node = kernel.client;
  const works: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['ps', () => node.list()],
    ['inspect', () => node.inspect('bystander')],
    [
      'a life',
      async () => {
        await node.run('passer-by', SLEEP);
        await node.remove('passer-by');
      },
    ],
  ];
  for (const [what, work] of works) {
    const { ms } = await timed(work());
    t.ok(ms < slowed(SPEED_MS), `${what} took ${Math.round(ms)} ms`);
  }
}

t.test('a bad plugin costs one operation one clear error', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);
  await node.run('bystander', SLEEP);
  const claims = [fakeClaim('a', { contribution: { environment: ['A=1'] } })];
  const nothingLeft = async (t: Test, isHung = false): Promise<void> => {
    fake.control({});
    // A handler that heeds no signal ends with its process.
    if (isHung) await fake.kill();
    await node.waitForPlugin('fake');
    await node.removeAll(['bystander']);
    await waitFor('the debts', async () => (await node.info()).owed.length === 0, { timeoutMs: 30_000 });
    t.same([fake.objects, fake.uses], [[], []], 'nothing is left with it');
  };

  await t.test('it hangs in attach: rm -f does not wait for it', async (t) => {
    fake.control({ attach: { hang: true } });
    await node.create('hung', SLEEP, { claims });
    const started: Promise<CleatError> = failure(node.call('container', 'start', { container: 'hung' }, { timeoutMs: 90_000 }));
    await waitFor('the attach', () => fake.words().includes('attach a'));
    await othersKeepSpeed(t, kernel);
    const { ms } = await timed(node.remove('hung'));
    t.ok(ms < slowed(5_000), `rm -f took ${Math.round(ms)} ms`);
    t.match(await started, { class: /cancelled|conflict/ });
    await nothingLeft(t, true);
  });

  await t.test('it hangs in reserve: the deadline of who asked ends it, and names it', async (t) => {
    fake.control({ reserve: { hang: true } });
    const { value, ms } = await timed(
      failure(
        node.call(
          'container',
          'create',
          { id: 'cd'.repeat(32), name: 'late', spec: { process: { args: SLEEP }, rootfs: kernel.rootfs }, claims },
          { timeoutMs: 3_000 },
        ),
      ),
    );
    t.ok(ms < slowed(4_500), `it took ${Math.round(ms)} ms`);
    t.match(value.class, /deadline_exceeded/);
    await waitFor('nothing half-made', async () => (await node.list()).length === 1, { timeoutMs: 20_000 });
    await nothingLeft(t, true);
  });

  for (const when of ['before', 'after'] as const) {
    await t.test(`it dies in attach, ${when} it did it`, async (t) => {
      fake.control({ attach: { die: when } });
      await node.create('died', SLEEP, { claims });
      const started = timed(
        node.call('container', 'start', { container: 'died' }, { timeoutMs: 30_000 }).then(
          () => undefined,
          (error: unknown) => error,
        ),
      );
      await waitFor('its death', () => fake.words().includes('attach a'));
      fake.control({});
      const { value, ms } = await started;
      t.ok(ms < slowed(30_000), `it took ${Math.round(ms)} ms`);
      // Asked again by the next process of the plugin, it succeeds, or the error names it.
      if (value !== undefined) t.match(value, { plugin: 'fake' });
      else t.equal((await node.inspect('died')).state.status, 'running');
      await othersKeepSpeed(t, kernel);
      await nothingLeft(t);
    });
  }

  await t.test('it is frozen in attach and goes on after the next start: the late answer changes nothing', async (t) => {
    await node.create('slept', SLEEP, { claims });
    fake.control({ attach: { delayMs: 500 } });
    const first = failure(node.call('container', 'start', { container: 'slept' }, { timeoutMs: 60_000 }));
    await waitFor('the attach', () => fake.words().filter((word) => word === 'attach a').length > 0);
    const pid = await fake.pid();
    process.kill(pid, 'SIGSTOP');
    const stopped = timed(node.call('container', 'stop', { container: 'slept' }));
    await stopped;
    t.match((await first).class, /cancelled|conflict|unavailable/);
    fake.control({});
    process.kill(pid, 'SIGCONT');
    await node.until(
      'its next start',
      async () => {
        await node.call('container', 'start', { container: 'slept' });
        return true;
      },
      30_000,
    );
    t.equal((await node.inspect('slept')).state.status, 'running');
    t.equal(fake.uses.length, 1);
    await nothingLeft(t);
  });

  await t.test('it is frozen while a container that it serves is removed', async (t) => {
    await node.run('served', SLEEP, { claims });
    process.kill(await fake.pid(), 'SIGSTOP');
    try {
      await othersKeepSpeed(t, kernel);
      const { ms } = await timed(node.remove('served'));
      t.ok(ms < slowed(14_000), `rm -f took ${Math.round(ms)} ms`);
    } finally {
      process.kill(await fake.pid(), 'SIGCONT');
    }
    await nothingLeft(t);
  });

  await t.test('it answers with an error: that is the error', async (t) => {
    fake.control({ attach: { error: { class: 'resource_exhausted', code: 'FAKE_FULL', message: 'no more room' } } });
    await node.create('full', SLEEP, { claims });
    const error = await failure(node.call('container', 'start', { container: 'full' }));
    t.match(error, { class: 'resource_exhausted', code: 'FAKE_FULL', message: 'no more room', plugin: 'fake' });
    await nothingLeft(t);
  });
});
