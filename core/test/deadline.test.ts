import t from 'tap';
import { backoff, Deadline, everyWhole, monotonicMs, sleep, untilWhole } from '../src/deadlines/index.ts';

const late = (): Error => new Error('too late');

/** How many timers keep this process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

t.test('race gives the result of what settles in time and clears its timer', async (t) => {
  const before = timers();
  t.equal(await Deadline.after(60_000).race(Promise.resolve(7), late), 7);
  await t.rejects(Deadline.after(60_000).race(Promise.reject(new Error('own')), late), { message: 'own' });
  t.equal(timers(), before);
  t.equal(await Deadline.never.race(Promise.resolve(8), late), 8);
});

t.test('race rejects at the deadline, and a later failure of the work is ignored', async (t) => {
  let fail: (error: Error) => void = () => undefined;
  const work = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const start = monotonicMs();
  await t.rejects(Deadline.after(30).race(work, late), { message: 'too late' });
  t.ok(monotonicMs() - start >= 30, 'not before its time');
  fail(new Error('later'));
  await new Promise((resolve) => setImmediate(resolve));
});

t.test('run aborts the signal of its work with the same error that it rejects with', async (t) => {
  const before = timers();
  let reason: unknown;
  const work = (signal: AbortSignal): Promise<void> =>
    new Promise(() => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
      });
    });
  await t.rejects(Deadline.after(10).run(work, late), { message: 'too late' });
  t.match(reason, { message: 'too late' });

  const parent = new AbortController();
  const running = Deadline.never.run(work, late, parent.signal);
  parent.abort(new Error('the caller went away'));
  await t.rejects(running, { message: 'the caller went away' });
  t.match(reason, { message: 'the caller went away' });
  await t.rejects(Deadline.never.run(work, late, parent.signal), { message: 'the caller went away' });

  t.equal(await Deadline.after(60_000).run(async () => 3, late), 3);
  t.equal(timers(), before);
});

t.test('a deadline can be named to another process and shortened for a callee', (t) => {
  const deadline = Deadline.after(10_000);
  const same = Deadline.at(deadline.atMs);
  t.ok(same.remainingMs <= 10_000 && same.remainingMs > 9000);
  const shorter = deadline.fraction(0.9);
  t.ok(shorter.remainingMs <= 9000 && shorter.remainingMs > 8000);
  t.equal(deadline.earlierOf(shorter), shorter);
  t.equal(Deadline.never.fraction(0.9), Deadline.never);
  t.equal(Deadline.at(0).remainingMs, 0);
  t.equal(Deadline.at(0).isExpired, true);
  t.equal(Deadline.never.isExpired, false);
  t.end();
});

t.test('a deadline further off than a timer can count does not pass at once', async (t) => {
  const far = Deadline.after(2 ** 32);
  t.equal(
    await far.race(
      sleep(20).then(() => 'in time'),
      late,
    ),
    'in time',
  );
  t.equal(far.signal.aborted, false);
  t.equal(Deadline.never.signal.aborted, false);
});

t.test('the signal of a deadline aborts when it has passed', async (t) => {
  const { signal } = Deadline.after(10);
  // The timer of the signal does not keep the process alive, so something else has to.
  await t.rejects(sleep(60_000, signal), { name: 'TimeoutError' });
});

t.test('sleep ends at once when its signal aborts', async (t) => {
  const before = timers();
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort(new Error('enough'));
  await t.rejects(sleeping, { message: 'enough' });
  await t.rejects(sleep(60_000, controller.signal), { message: 'enough' });
  t.equal(timers(), before);
});

t.test('backoff grows by its factor up to its limit', (t) => {
  const options = { baseMs: 100, factor: 2, maxMs: 60_000 };
  t.strictSame(
    [0, 1, 2, 9, 10, 2000].map((attempt) => backoff(attempt, options)),
    [100, 200, 400, 51_200, 60_000, 60_000],
  );
  t.equal(backoff(2000, { baseMs: 0, factor: 2, maxMs: 10 }), 0);
  t.end();
});

t.test('who looks again and again does so at whole multiples, once each', async (t) => {
  const before = timers();
  const looks: number[] = [];
  const end = everyWhole(100, () => looks.push(monotonicMs()));
  t.equal(timers(), before, 'the process is not kept for it');
  await sleep(550);
  end();
  const count = looks.length;
  t.ok(count >= 2 && count <= 6, `${count} looks`);
  t.ok(
    looks.every((at) => at % 100 < 95),
    'never before its time, which a timer of Node may be by a fraction of a millisecond',
  );
  await sleep(150);
  t.equal(looks.length, count);
  const wait = untilWhole(1000);
  t.ok(wait >= 100 && wait <= 1100, `${wait}`);
});
