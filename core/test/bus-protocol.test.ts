import { CleatError } from '@cleat/schemas';
import t, { type Test } from 'tap';
import { type BusConnection, type BusMessage, CallHeader, type CallRequest } from '../src/bus/index.ts';
import { monotonicMs, sleep } from '../src/deadlines/index.ts';
import { failure, granted, joinBus, type Participant, soon, startBus, waitFor } from './bus-fixture.ts';

interface Pair {
  readonly provider: Participant;
  readonly kernel: Participant;
  readonly subject: string;
}

async function pair(t: Test): Promise<Pair> {
  const bus = await startBus(t);
  const provider = await joinBus(t, bus, 'volume');
  const kernel = await joinBus(t, bus, 'kernel');
  await bus.grant('kernel', granted([{ provider: 'volume', address: 'volume' }]), soon());
  return { provider, kernel, subject: `rpc.${bus.keysOf('kernel').importing}.volume` };
}

/** A request written by hand, and the answers to it as they come. */
function rawRequest(connection: BusConnection, subject: string, headers: Readonly<Record<string, string>>): BusMessage[] {
  const answers: BusMessage[] = [];
  const path = connection.openReplyPath((message) => answers.push(message));
  connection.publish(subject, Buffer.from('raw'), { headers: new Map(Object.entries(headers)), reply: path.subject });
  return answers;
}

function statuses(answers: readonly BusMessage[]): (string | undefined)[] {
  return answers.map(({ headers }) => headers.get(CallHeader.status));
}

t.test('an error arrives as the class and code that the handler threw', async (t) => {
  const { provider, kernel } = await pair(t);
  provider.callee.serve('volume', async ({ op }) => {
    if (op === 'bug') throw new TypeError('a bug');
    throw new CleatError('conflict', 'VOLUME_IN_USE', 'volume data is in use');
  });
  await provider.callee.ready(soon());
  const conflict = await failure(kernel.caller.call('volume', 'remove', Buffer.alloc(0), { deadline: soon() }));
  t.match(conflict, { class: 'conflict', code: 'VOLUME_IN_USE', message: 'volume data is in use' });
  const bug = await failure(kernel.caller.call('volume', 'bug', Buffer.alloc(0), { deadline: soon() }));
  t.match(bug, { class: 'internal' });
});

t.test('a repeated request joins the running operation and is answered on its newest path', async (t) => {
  const { provider, kernel, subject } = await pair(t);
  let begun = 0;
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  provider.callee.serve('volume', async () => {
    begun += 1;
    await gate;
    return { body: Buffer.from('once') };
  });
  await provider.callee.ready(soon());
  const first = rawRequest(kernel.importing, `${subject}.create`, { 'Cleat-Op': 'op1', 'Cleat-Timeout-Ms': '5000' });
  await waitFor('the beginning', () => begun === 1);
  const second = rawRequest(kernel.importing, `${subject}.create`, { 'Cleat-Op': 'op1', 'Cleat-Timeout-Ms': '5000' });
  await waitFor('a sign of life', () => second.length === 1);
  const other = rawRequest(kernel.importing, `${subject}.remove`, { 'Cleat-Op': 'op1', 'Cleat-Timeout-Ms': '5000' });
  await waitFor('a refusal', () => other.length === 1);
  release();
  await waitFor('the answer', () => second.length === 2);
  const late = rawRequest(kernel.importing, `${subject}.create`, { 'Cleat-Op': 'op1', 'Cleat-Timeout-Ms': '5000' });
  await waitFor('the answer again', () => late.length === 1);
  t.equal(begun, 1);
  t.same(statuses(first), []);
  t.same(statuses(second), ['working', 'ok']);
  t.same(statuses(late), ['ok']);
  t.equal(late[0]?.body.toString(), 'once');
  t.match(other[0]?.body.toString(), /BUS_OPERATION_REUSED/);
});

t.test('one caller’s operation id means nothing for another caller', async (t) => {
  const bus = await startBus(t);
  const provider = await joinBus(t, bus, 'volume');
  const callers = [await joinBus(t, bus, 'kernel'), await joinBus(t, bus, 'gateway')];
  const seen: CallRequest[] = [];
  provider.callee.serve('volume', async (request) => {
    seen.push(request);
    return { body: Buffer.from(request.callerKey) };
  });
  await provider.callee.ready(soon());
  for (const { name, caller } of callers) {
    await bus.grant(name, granted([{ provider: 'volume', address: 'volume' }]), soon());
    const answer = await caller.call('volume', 'list', Buffer.alloc(0), { deadline: soon(), operationId: 'same' });
    t.equal(answer.body.toString(), bus.keysOf(name).importing);
  }
  t.equal(seen.length, 2);
});

t.test('malformed requests are answered with an error, late and unallowed ones never begin', async (t) => {
  const { provider, kernel, subject } = await pair(t);
  let begun = 0;
  const handler = async (): Promise<{ body: Buffer }> => {
    begun += 1;
    return { body: Buffer.alloc(0) };
  };
  provider.callee.serve('volume', handler, { allow: (_key, op) => op !== 'format' });
  await provider.callee.ready(soon());
  const past = (monotonicMs() - 10).toFixed(3);
  const late = rawRequest(kernel.importing, `${subject}.list`, { 'Cleat-Op': 'late', 'Cleat-Deadline': past });
  const malformed = [
    rawRequest(kernel.importing, `${subject}.list`, {}),
    rawRequest(kernel.importing, `${subject}.list`, { 'Cleat-Op': 'a b' }),
    rawRequest(kernel.importing, `${subject}.list`, { 'Cleat-Op': 'a', 'Cleat-Deadline': 'soon' }),
    rawRequest(kernel.importing, `${subject}.list`, { 'Cleat-Op': 'a', 'Cleat-Timeout-Ms': '-5' }),
    rawRequest(kernel.importing, `${subject}.list`, { 'Cleat-Op': 'a', 'Cleat-Limit': '1e9' }),
    rawRequest(kernel.importing, `${subject}.list`, { 'Cleat-Op': 'a', 'Cleat-Progress-Ms': 'x' }),
  ];
  for (const answers of malformed) {
    await waitFor('a refusal', () => answers.length === 1);
    t.same(statuses(answers), ['error']);
    t.match(answers[0]?.body.toString(), /BUS_REQUEST_MALFORMED/);
  }
  const denied = await failure(kernel.caller.call('volume', 'format', Buffer.alloc(0), { deadline: soon() }));
  t.match(denied, { class: 'permission_denied', code: 'BUS_CALL_NOT_GRANTED' });
  t.same(late, []);
  t.equal(begun, 0);
  await kernel.caller.call('volume', 'list', Buffer.alloc(0), { deadline: soon() });
  t.equal(begun, 1);
});

t.test('the handler’s signal aborts at the deadline, which progress renews up to the limit', async (t) => {
  const { provider, kernel } = await pair(t);
  const aborted: string[] = [];
  provider.callee.serve('volume', async (request) => {
    const { op, signal } = request;
    signal.addEventListener('abort', () => aborted.push(op));
    for (let step = 0; step < 8; step++) {
      await sleep(150, signal);
      if (op !== 'silent') request.progress(Buffer.from(String(step)));
    }
    return { body: Buffer.from('done') };
  });
  await provider.callee.ready(soon());
  const { call } = { call: kernel.caller.call.bind(kernel.caller) };
  const silent = failure(call('volume', 'silent', Buffer.alloc(0), { deadline: soon(400), limit: soon(5_000) }));
  const bounded = failure(call('volume', 'bounded', Buffer.alloc(0), { deadline: soon(400), limit: soon(700) }));
  const unlimited = failure(call('volume', 'unlimited', Buffer.alloc(0), { deadline: soon(400) }));
  const steps: string[] = [];
  const renewed = await call('volume', 'renewed', Buffer.alloc(0), {
    deadline: soon(400),
    limit: soon(5_000),
    onProgress: ({ body }) => steps.push(body.toString()),
  });
  t.equal(renewed.body.toString(), 'done');
  t.same(steps, ['0', '1', '2', '3', '4', '5', '6', '7']);
  for (const error of [await silent, await bounded, await unlimited]) {
    t.match(error, { class: 'deadline_exceeded', code: 'BUS_CALL_TIMEOUT' });
  }
  t.same(aborted.sort(), ['bounded', 'silent', 'unlimited']);
});

t.test('an aborted call fails at once and its handler is told to stop', async (t) => {
  const { provider, kernel } = await pair(t);
  const running: CallRequest[] = [];
  provider.callee.serve('volume', async (request) => {
    running.push(request);
    await sleep(30_000, request.signal);
    return { body: Buffer.alloc(0) };
  });
  await provider.callee.ready(soon());
  const controller = new AbortController();
  const options = { deadline: soon(20_000), signal: controller.signal };
  const call = failure(kernel.caller.call('volume', 'create', Buffer.alloc(0), options));
  await waitFor('the beginning', () => running.length === 1);
  controller.abort();
  t.match(await call, { class: 'cancelled', code: 'BUS_CALL_CANCELLED' });
  await waitFor('the handler’s end', () => running[0]?.signal.aborted === true);
  t.match(running[0]?.signal.reason, { code: 'BUS_CALL_CANCELLED' });
  await waitFor('nothing running', () => provider.callee.runningCount === 0);
  const gone = new CleatError('unavailable', 'PLUGIN_GONE', 'the plugin volume has gone');
  const aborted = AbortSignal.abort(gone);
  const early = await failure(kernel.caller.call('volume', 'x', Buffer.alloc(0), { deadline: soon(), signal: aborted }));
  t.equal(early, gone, 'a CleatError given as the reason is the error');
  t.equal(kernel.caller.pendingCount, 0);
});

t.test('draining finishes what runs, takes nothing new, and ends what does not end', async (t) => {
  const { provider, kernel } = await pair(t);
  provider.callee.serve('volume', async ({ op, signal }) => {
    await sleep(op === 'slow' ? 60_000 : 200, signal);
    return { body: Buffer.from('finished') };
  });
  await provider.callee.ready(soon());
  const quick = kernel.caller.call('volume', 'quick', Buffer.alloc(0), { deadline: soon() });
  const slow = failure(kernel.caller.call('volume', 'slow', Buffer.alloc(0), { deadline: soon() }));
  await waitFor('both to run', () => provider.callee.runningCount === 2);
  t.equal(await provider.callee.drain(soon(600)), 1);
  t.equal((await quick).body.toString(), 'finished');
  t.match(await slow, { class: 'unavailable', code: 'BUS_DRAINED' });
  const after = await failure(kernel.caller.call('volume', 'quick', Buffer.alloc(0), { deadline: soon(400) }));
  t.equal(after.code, 'BUS_CALL_TIMEOUT');
});

t.test('what is too large to send is an error, not a broken connection', async (t) => {
  const { provider, kernel } = await pair(t);
  provider.callee.serve('volume', async ({ op, body }) => ({ body: op === 'grow' ? Buffer.alloc(2 ** 20 + 1) : body }));
  await provider.callee.ready(soon());
  const tooLarge = Buffer.alloc(2 ** 20 + 1);
  const sent = await failure(kernel.caller.call('volume', 'echo', tooLarge, { deadline: soon() }));
  t.match(sent, { class: 'invalid_argument', code: 'BUS_MESSAGE_TOO_LARGE' });
  const answered = await failure(kernel.caller.call('volume', 'grow', Buffer.alloc(0), { deadline: soon() }));
  t.match(answered, { class: 'resource_exhausted', code: 'BUS_MESSAGE_TOO_LARGE' });
  const large = Buffer.alloc(2 ** 20 - 1_024, 7);
  const answer = await kernel.caller.call('volume', 'echo', large, { deadline: soon() });
  t.ok(answer.body.equals(large), 'a megabyte less a little goes both ways');
  const forged = { deadline: soon(), headers: new Map([['Cleat-Principal', 'me\r\nCleat-Op: x']]) };
  const header = await failure(kernel.caller.call('volume', 'echo', Buffer.alloc(0), forged));
  t.equal(header.code, 'BUS_HEADER_INVALID');
});

t.test('a slow callee is heard of, a silent one is asked again under the same operation id', async (t) => {
  const bus = await startBus(t);
  const provider = await joinBus(t, bus, 'volume');
  const kernel = await joinBus(t, bus, 'kernel');
  const calls = ['volume', 'lossy'].map((address) => ({ provider: 'volume', address }));
  await bus.grant('kernel', granted(calls), soon());
  const slowAttempts: (string | undefined)[] = [];
  provider.callee.serve('volume', async ({ headers, signal }) => {
    slowAttempts.push(headers.get(CallHeader.attempt));
    await sleep(6_000, signal);
    return { body: Buffer.from('slow') };
  });
  const requests: string[] = [];
  provider.exporting.subscribe('rpc.*.volume.create', ({ headers }) => {
    requests.push(headers.get(CallHeader.attempt) ?? '');
  });
  const attempts: string[] = [];
  // Loses the first request, as a server that was killed does.
  provider.exporting.subscribe('rpc.*.lossy.*', (message) => {
    attempts.push(`${message.headers.get(CallHeader.operation)} ${message.headers.get(CallHeader.attempt)}`);
    if (attempts.length < 2 || message.reply === undefined) return;
    provider.exporting.publish(message.reply, message.body, { headers: new Map([[CallHeader.status, 'ok']]) });
  });
  await provider.callee.ready(soon());
  // Shortly after a connect more is sent again, and sooner.
  await waitFor('the connection to settle', () => kernel.importing.connectedForMs > 2_000);
  const began = monotonicMs();
  const slow = kernel.caller.call('volume', 'create', Buffer.alloc(0), { deadline: soon(20_000) });
  const options = { deadline: soon(20_000), operationId: 'op7' };
  t.equal((await kernel.caller.call('lossy', 'create', Buffer.from('l'), options)).body.toString(), 'l');
  t.same(attempts, ['op7 1', 'op7 2']);
  t.ok(monotonicMs() - began > 4_900, 'asked again after five seconds');
  t.equal((await slow).body.toString(), 'slow');
  t.same(slowAttempts, ['1']);
  t.same(requests, ['1'], 'who is heard of is not asked again');
});
