import { Deadline } from '@cleat/core';
import { EventStream } from '@cleat/core/bus';
import { slowFactor, waitFor } from '@cleat/harness';
import { connectOperator } from '@cleat/sdk/client';
import t, { type Test } from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import type { BareKernel } from '../platform/bare-kernel.ts';
import { checkEvents } from '../platform/event-check.ts';
import { failure, processesIn, slowed, startedKernel, timed } from './joint.ts';
import { OutsideConsumer } from './outside-consumer.ts';

t.setTimeout(115_000 * slowFactor());

const SLEEP = ['sleep', '1000'];

/** Makes events: two for each container. */
async function make(kernel: BareKernel, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const id = await kernel.client.create(`made-${Math.random().toString(36).slice(2)}`, ['true']);
    await kernel.client.call('container', 'remove', { container: id });
  }
}

async function newest(kernel: BareKernel): Promise<number> {
  return (await kernel.client.info()).newestEvent;
}

/** The stream, taken away from under everybody. */
async function deleteStream(kernel: BareKernel): Promise<void> {
  const connection = await kernel.asKernel();
  try {
    await new EventStream(connection).delete(Deadline.after(5_000));
  } finally {
    await connection.close(Deadline.after(200));
  }
}

t.test('consumers get every event once and in order, whatever dies', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const durable = await OutsideConsumer.add(kernel, 'outside');
  await durable.start();
  t.teardown(() => durable.stop());
  const operator = await connectOperator(kernel.runDir);
  const controller = new AbortController();
  t.teardown(async () => {
    controller.abort();
    await operator.close();
  });
  const live: number[] = [];
  const liveGaps: number[] = [];
  const watching = (async () => {
    for await (const item of operator.subscribe({ types: ['*'], after: 0, signal: controller.signal })) {
      if (item.type === 'gap') liveGaps.push(item.missed);
      else live.push(item.event.sequence);
    }
  })();
  watching.catch(() => undefined);

  const bothSee = async (t: Test, what: string): Promise<void> => {
    const last = await newest(kernel);
    await durable.waitFor(last);
    await waitFor(`live event ${last} (has ${live.at(-1)})`, () => live.at(-1) === last, { timeoutMs: 20_000 });
    t.same(
      durable.sequences,
      Array.from({ length: last }, (_, index) => index + 1),
      `durable: ${what}`,
    );
    t.same(live, durable.sequences, `live: ${what}`);
    t.same([durable.gaps, liveGaps], [[], []], 'no gap');
  };

  await t.test('while all is well', async (t) => {
    await make(kernel, 10);
    await bothSee(t, 'in order');
  });

  await t.test('a consumer that was away', async (t) => {
    await durable.stop();
    await make(kernel, 10);
    await durable.start();
    await bothSee(t, 'it missed nothing');
  });

  await t.test('the kernel killed', async (t) => {
    const begun = make(kernel, 10);
    await kernel.kill();
    await kernel.start();
    await begun;
    await bothSee(t, 'over a restart of the kernel');
  });

  await t.test('the bus killed', async (t) => {
    await node.run('steady', SLEEP);
    const busPid = kernel.busPid;
    process.kill(busPid, 'SIGKILL');
    await waitFor('another server', () => kernel.busPid !== busPid);
    await make(kernel, 10);
    await bothSee(t, 'over a restart of the bus');
    t.equal((await node.inspect('steady')).state.status, 'running');
  });

  await t.test(
    'the bus frozen: containers run, exits are recorded, policies act, one clear error in time, and then all of it arrives',
    async (t) => {
      await node.run('phoenix', SLEEP, { spec: { restart: { name: 'always' } } });
      const {
        state: { pid },
        paths: { cgroup },
      } = await node.inspect('phoenix');
      const before = await newest(kernel);
      const { busPid } = kernel;
      process.kill(busPid, 'SIGSTOP');
      try {
        process.kill(pid, 'SIGKILL');
        const late = await timed(failure(node.call('container', 'list', {}, { timeoutMs: 2_000 })));
        t.match(late.value.class, /unavailable|deadline_exceeded/);
        t.ok(late.ms < slowed(3_000), `it took ${Math.round(late.ms)} ms`);
        // Nobody can be asked now: its cgroup is.
        await waitFor('the next run', () => {
          const [next] = processesIn(cgroup);
          return next !== undefined && next !== pid;
        });
      } finally {
        process.kill(busPid, 'SIGCONT');
      }
      await node.until('the next run', async () => (await node.inspect('phoenix')).state.run === 2);
      await node.waitForStatus('phoenix', 'running');
      t.ok((await newest(kernel)) > before);
      await bothSee(t, 'after a freeze');
      await node.remove('phoenix');
      await node.remove('steady');
    },
  );

  await t.test('the stream deleted under a durable consumer', async (t) => {
    await deleteStream(kernel);
    await make(kernel, 5);
    await bothSee(t, 'from a stream that was built anew');
  });
  const all = await node.events();
  checkEvents(t, all);
  controller.abort();
  await watching.catch(() => undefined);
});

t.test('who is away for longer than events are kept is told of the gap', async (t) => {
  const kernel = await startedKernel(t, { eventRetention: 20 });
  if (kernel === undefined) return;
  const durable = await OutsideConsumer.add(kernel, 'late');
  await durable.start();
  await durable.waitFor(await newest(kernel));
  await durable.stop();
  const had = durable.position;
  await make(kernel, 80);
  await waitFor('a trim', async () => (await kernel.client.info()).publishedEvent === (await newest(kernel)));
  await durable.start();
  t.teardown(() => durable.stop());
  await durable.waitFor(await newest(kernel));
  t.equal(durable.gaps.length, 1, 'told once');
  const [missed = 0] = durable.gaps;
  const after = durable.sequences.filter((sequence) => sequence > had);
  t.equal(after[0], had + missed + 1, 'the gap is as large as was said');
  t.ok(
    after.every((sequence, index) => sequence === had + missed + 1 + index),
    'and nothing else is missing',
  );

  await t.test('a quiet host all of whose events have expired goes on publishing', async (t) => {
    const connection = await kernel.asKernel();
    await new EventStream(connection).trimTo((await newest(kernel)) + 1, Deadline.after(5_000));
    await connection.close(Deadline.after(200));
    await make(kernel, 3);
    await durable.waitFor(await newest(kernel));
    t.equal(durable.gaps.length, 1, 'it had seen them');
    t.ok(durable.sequences.includes(await newest(kernel)));
    await kernel.kill();
    await kernel.start();
    await make(kernel, 1);
    await durable.waitFor(await newest(kernel));
    t.equal(durable.gaps.length, 1);
  });
});

t.test('events of a provider come once with its answer, of types that it was granted', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  await Fake.install(kernel, FAKE);
  await node.create('told', SLEEP, {
    claims: [fakeClaim('a', { event: 'fake.attached' }), fakeClaim('b', { event: 'container.started' })],
  });
  await node.call('container', 'start', { container: 'told' });
  const events = await node.events();
  t.equal(events.filter(({ type }) => type === 'fake.attached').length, 1);
  t.equal(events.filter(({ type }) => type === 'container.started').length, 1, 'not one that is not its own');
  await node.remove('told');
});
