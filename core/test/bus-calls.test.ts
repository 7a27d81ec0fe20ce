import t from 'tap';
import { Deadline, monotonicMs } from '../src/deadlines/index.ts';
import { echo, failure, granted, joinBus, soon, startBus } from './bus-fixture.ts';

t.test('a granted call reaches the provider and names its caller', async (t) => {
  const bus = await startBus(t);
  const provider = await joinBus(t, bus, 'volume');
  const caller = await joinBus(t, bus, 'kernel');
  await bus.grant('kernel', granted([{ provider: 'volume', address: 'provider.volume' }]), soon());
  const seen: string[] = [];
  provider.callee.serve('provider.volume', async (request) => {
    seen.push(request.callerKey);
    return { body: Buffer.from(`${request.op} ${request.body.toString()}`), headers: new Map([['Cleat-Schema', 'x']]) };
  });
  await provider.callee.ready(soon());
  const started = monotonicMs();
  const answer = await caller.caller.call('provider.volume', 'attach', Buffer.from('data'), { deadline: soon() });
  t.equal(answer.body.toString(), 'attach data');
  t.equal(answer.headers.get('Cleat-Schema'), 'x');
  t.same(seen, [bus.keysOf('kernel').importing]);
  t.comment(`first call ${(monotonicMs() - started).toFixed(1)} ms`);
});

t.test('an address does not reach what lies below it', async (t) => {
  const bus = await startBus(t);
  const provider = await joinBus(t, bus, 'volume');
  const caller = await joinBus(t, bus, 'gateway');
  await bus.grant('gateway', granted([{ provider: 'volume', address: 'provider.volume' }]), soon());
  provider.callee.serve('provider.volume.local', echo);
  await provider.callee.ready(soon());
  const deadline = Deadline.after(300);
  const error = await failure(caller.caller.call('provider.volume.local', 'attach', Buffer.alloc(0), { deadline }));
  t.equal(error.code, 'BUS_CALL_TIMEOUT');
});
