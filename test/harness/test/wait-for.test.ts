import t from 'tap';
import { waitFor } from '../src/index.ts';

t.test('waiting ends with the first value that is neither undefined nor false', async (t) => {
  let calls = 0;
  const value = await waitFor('the third call', () => (++calls < 3 ? undefined : 'there'), { intervalMs: 1 });
  t.equal(value, 'there');
  t.equal(calls, 3);
});

t.test('waiting in vain ends at the deadline, names what was awaited and keeps the last error', async (t) => {
  const probe = (): undefined => {
    throw new Error('refused');
  };
  await t.rejects(waitFor('the server', probe, { timeoutMs: 30, intervalMs: 5 }), {
    message: /in vain for the server/,
    cause: { message: 'refused' },
  });
});
