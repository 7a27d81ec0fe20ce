import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, waitFor } from '@cleat/harness';
import { processOf, specOf } from '@cleat/runtime/test-fixture';
import t from 'tap';
import { ended, StreamsFixture } from './streams-fixture.ts';

const MANY_BYTES = 20 * 1024 * 1024;

function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

if (needs(t, 'root', 'runc', 'conmon', 'busybox')) {
  t.test("both streams arrive in Docker's frames, however late the client comes, and then end", async (t) => {
    const fixture = new StreamsFixture(t);
    const container = await fixture.create(fixture.bundle(specOf(['sh', '-c', 'echo out; sleep 0.1; echo err >&2'])));
    const ticket = await fixture.offer(container);
    t.equal(fixture.client.hasSessions(container.id), true);
    await fixture.client.connect(container.id, 1, join(container.directory, 'attach'));
    await fixture.start(container);
    await fixture.exitOf(container);
    const frames = await ended(fixture.open(ticket, 'docker'));
    t.same(frames, Buffer.from('\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n', 'latin1'));
    await waitFor('no sessions', () => !fixture.client.hasSessions(container.id));
    const again = fixture.open(ticket, 'docker');
    t.equal((await ended(again)).length, 0, 'a ticket is good once');
  });

  t.test('20 MB pass both ways unchanged, and half-closing ends stdin', async (t) => {
    const fixture = new StreamsFixture(t);
    const { container, client } = await fixture.runAttached(['cat'], { stdin: true });
    const data = randomBytes(MANY_BYTES);
    client.socket.end(data);
    await ended(client);
    const received = client.payload();
    t.equal(received.length, data.length);
    t.equal(digest(received), digest(data));
    t.equal((await fixture.exitOf(container)).exitCode, 0);
  });

  t.test('stdin of several clients is merged, and each sees all output', async (t) => {
    const fixture = new StreamsFixture(t);
    const { container, client } = await fixture.runAttached(['cat'], { stdin: true, stdinOnce: false });
    const second = fixture.open(
      await fixture.offer(container, { stdin: true, isRunning: true }),
      'raw',
      Buffer.from('head-').toString('base64'),
    );
    client.socket.write('first\n');
    await waitFor('the first', () => client.bytes().includes('first'));
    second.socket.write('second\n');
    await waitFor('both', () => [client, second].every((one) => one.bytes().includes('second')));
    t.match(client.payload().toString(), /head-/);
    client.socket.destroy();
    await waitFor('one client less', () => fixture.client.hasSessions(container.id));
    second.socket.end('last\n');
    await waitFor('the last', () => second.bytes().includes('last'));
    fixture.kill(container);
    await ended(second);
  });

  t.test('a terminal is raw, and the detach keys close the client alone', async (t) => {
    const fixture = new StreamsFixture(t);
    const { container, client } = await fixture.runAttached(['sh', '-c', 'stty -echo; echo ready; cat'], {
      stdin: true,
      terminal: true,
      detachKeys: 'ctrl-p,ctrl-q',
    });
    await waitFor('it is ready', () => client.bytes().includes('ready'));
    client.socket.write('a\x10b\n');
    await waitFor('what only looked like the keys', () => client.bytes().includes('a\x10b'));
    client.socket.write('c\x10');
    client.socket.write('\x11');
    await ended(client);
    t.notMatch(client.bytes().toString('latin1'), /\x11/);
    const back = fixture.open(await fixture.offer(container, { stdin: true, isRunning: true }), 'raw');
    back.socket.write('\nagain\n');
    await waitFor('it still runs', () => back.bytes().includes('again'));
    fixture.kill(container);
    await ended(back);
  });

  t.test('random bytes of a client without a terminal are never taken for detach keys', async (t) => {
    const fixture = new StreamsFixture(t);
    const { client } = await fixture.runAttached(['cat'], { stdin: true, detachKeys: 'ctrl-p,ctrl-q' });
    client.socket.end('a\x10\x11b');
    await ended(client);
    t.equal(client.payload().toString(), 'a\x10\x11b');
  });

  t.test('a slow client loses nothing, and others get theirs meanwhile', async (t) => {
    const fixture = new StreamsFixture(t);
    writeFileSync(join(fixture.root, 'big'), randomBytes(8 * 1024 * 1024));
    const spec = specOf([], { process: processOf(['sh', '-c', 'cat /big; sleep 100']) });
    const container = await fixture.create(fixture.bundle(spec));
    const slow = fixture.open(await fixture.offer(container), 'raw');
    const fast = fixture.open(await fixture.offer(container), 'raw');
    slow.socket.pause();
    await fixture.client.connect(container.id, 1, join(container.directory, 'attach'));
    await fixture.start(container);
    await waitFor('everything', () => fast.payload().length === 8 * 1024 * 1024, { timeoutMs: 20_000 });
    t.ok(slow.payload().length < 1024 * 1024);
    slow.socket.resume();
    await waitFor('everything at last', () => slow.payload().length === 8 * 1024 * 1024, { timeoutMs: 20_000 });
    t.equal(digest(slow.bytes()), digest(fast.bytes()));
    fixture.kill(container);
    await ended(slow);
  });

  t.test('a client that takes nothing stops the container, until it is dropped for the sake of another one', async (t) => {
    const fixture = new StreamsFixture(t);
    const spec = specOf([], { process: processOf(['head', '-c', '80000000', '/dev/zero']) });
    const container = await fixture.create(fixture.bundle(spec));
    const stuck = fixture.open(await fixture.offer(container), 'docker');
    stuck.socket.pause();
    const other = fixture.open(await fixture.offer(container), 'docker');
    await fixture.client.connect(container.id, 1, join(container.directory, 'attach'));
    await fixture.start(container);
    await ended(other);
    t.equal(other.payload().length, 80_000_000);
    t.ok(stuck.bytes().length < 1024 * 1024);
    t.equal((await fixture.exitOf(container)).exitCode, 0);
  });

  t.test('who waits for a run that could not begin is let go', async (t) => {
    const fixture = new StreamsFixture(t);
    const bundle = fixture.bundle(specOf(['true']));
    const client = fixture.open(await fixture.offer(bundle), 'docker');
    fixture.client.exited(bundle.id, 1, 127, false);
    t.equal((await ended(client)).length, 0);
  });
}
