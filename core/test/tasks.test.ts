import { CleatError } from '@cleat/schemas';
import t from 'tap';
import { sleep } from '../src/deadlines/index.ts';
import { KeyedQueue, TaskGroup } from '../src/tasks/index.ts';

interface Gate {
  readonly promise: Promise<void>;
  readonly open: () => void;
}

function gate(): Gate {
  let open: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

t.test('jobs of one key run one after another, keys do not wait for each other', async (t) => {
  const queue = new KeyedQueue();
  const first = gate();
  const order: string[] = [];
  const jobs = [
    queue.run('a', async () => {
      order.push('a1 begins');
      await first.promise;
      order.push('a1 ends');
    }),
    queue.run('a', async () => {
      order.push('a2');
      throw new Error('a2 failed');
    }),
    queue.run('a', async () => {
      order.push('a3');
      return 3;
    }),
  ];
  const settled = Promise.allSettled(jobs);
  await queue.run('b', async () => {
    order.push('b');
  });
  first.open();
  t.strictSame(
    (await settled).map((result) => (result.status === 'rejected' ? String(result.reason) : result.value)),
    [undefined, 'Error: a2 failed', 3],
  );
  t.strictSame(order, ['a1 begins', 'b', 'a1 ends', 'a2', 'a3']);
  await queue.idle();
  t.equal(queue.busyKeys, 0, 'idle keys are forgotten');
});

t.test('a preempting job aborts what runs, drops what waits, and runs once the running one has settled', async (t) => {
  const queue = new KeyedQueue();
  const order: string[] = [];
  const undone = gate();
  const start = queue.run('c', async (signal) => {
    await aborted(signal);
    order.push('start undoes');
    await undone.promise;
    throw signal.reason;
  });
  const waiting = queue.run('c', async () => void order.push('must not run'));
  const kill = queue.run('c', async (signal) => void order.push(`kill, aborted ${signal.aborted}`), { preempt: true });
  const after = queue.run('c', async () => void order.push('after'));
  const preempted = { class: 'cancelled', code: 'OPERATION_PREEMPTED' };
  await t.rejects(waiting, preempted);
  t.strictSame(order, ['start undoes']);
  undone.open();
  await t.rejects(start, preempted);
  await Promise.all([kill, after]);
  t.strictSame(order, ['start undoes', 'kill, aborted false', 'after']);
  await queue.idle();
});

t.test('a caller that goes away takes its waiting job along and tells its running one', async (t) => {
  const queue = new KeyedQueue();
  const hold = gate();
  const running = queue.run('k', () => hold.promise);
  const caller = new AbortController();
  const waiting = queue.run('k', async () => t.fail('must not run'), { signal: caller.signal });
  caller.abort(new Error('gone'));
  await t.rejects(waiting, { message: 'gone' });
  hold.open();
  await running;
  await t.rejects(
    queue.run('k', async () => undefined, { signal: caller.signal }),
    { message: 'gone' },
  );
  const second = new AbortController();
  const told = queue.run('k', aborted, { signal: second.signal });
  second.abort();
  await told;
  await queue.idle();
});

t.test('cancelAll aborts every key and waits for what runs', async (t) => {
  const queue = new KeyedQueue();
  const jobs = ['x', 'y'].flatMap((key) => [queue.run(key, aborted), queue.run(key, async () => t.fail('must not run'))]);
  const settled = Promise.allSettled(jobs);
  await queue.cancelAll(new CleatError('cancelled', 'SHUTDOWN', 'shutting down'));
  t.equal(queue.busyKeys, 0);
  t.strictSame(
    (await settled).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
  );
});

t.test('a failing background task is logged and the others go on until the group is closed', async (t) => {
  const logged: string[] = [];
  const logger = {
    error: (message: string, fields?: Readonly<Record<string, unknown>>) =>
      void logged.push(`${message} ${String(fields?.['task'] ?? fields?.['tasks'])}`),
  };
  const group = new TaskGroup({ logger });
  group.spawn('broken', async () => {
    throw new Error('no');
  });
  group.spawn('polite', aborted);
  group.spawn('sleeper', (signal) => sleep(60_000, signal));
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(group.running, ['polite', 'sleeper']);
  t.strictSame(await group.close(5000), []);
  t.strictSame(logged, ['a background task failed broken']);
  t.throws(() => group.spawn('late', async () => undefined), { code: 'TASK_GROUP_CLOSED' });
});

t.test('closing a group does not wait for ever and names who does not end', async (t) => {
  const logged: string[] = [];
  const group = new TaskGroup({ logger: { error: (message) => void logged.push(message) } });
  const stuck = gate();
  group.spawn('stuck', () => stuck.promise);
  t.strictSame(await group.close(20), ['stuck']);
  t.equal(logged.length, 1);
  stuck.open();
  t.strictSame(await group.close(1000), []);
});
