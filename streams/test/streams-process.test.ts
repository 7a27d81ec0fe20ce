import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTo } from 'node:net';
import { join } from 'node:path';
import { signalProcess } from '@cleat/core/syscalls';
import { childEnv, needs, waitFor } from '@cleat/harness';
import { processOf, specOf } from '@cleat/runtime/test-fixture';
import t from 'tap';
import { ended, StreamsFixture } from './streams-fixture.ts';

/** Stands for a gateway: takes one TCP client, hands it over with the ticket's line, then waits to be killed. */
const GATEWAY = `
import { createServer } from 'node:net';
import { connectUnix, descriptorOf, rawSocket, sendFds } from '@cleat/core/syscalls';
const [path, line] = process.argv.slice(1);
const server = createServer({ pauseOnConnect: true }, (client) => {
  const fd = rawSocket(1, 1);
  connectUnix(fd, path);
  sendFds(fd, Buffer.from(line + '\\n'), [descriptorOf(client)]);
  process.stdout.write('given\\n');
});
server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));
`;

if (needs(t, 'root', 'runc', 'conmon', 'busybox')) {
  t.test('a client that was handed over notices neither the death of who gave it nor of the kernel', async (t) => {
    const fixture = new StreamsFixture(t);
    const spec = specOf([], { process: processOf(['cat'], { openStdin: true, stdinOnce: true }) });
    const container = await fixture.create(fixture.bundle(spec));
    const ticket = await fixture.offer(container, { stdin: true });
    await fixture.client.connect(container.id, 1, join(container.directory, 'attach'));
    await fixture.start(container);
    const line = JSON.stringify({ token: ticket.token, framing: 'raw', head: Buffer.from('head\n').toString('base64') });
    const gateway = spawn(process.execPath, ['--input-type=module', '-e', GATEWAY, ticket.socket, line], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: childEnv(),
      cwd: import.meta.dirname,
    });
    t.teardown(() => gateway.kill('SIGKILL'));
    let said = '';
    gateway.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const port = await waitFor('its port', () => /^(\d+)\n/.exec(said)?.[1]);
    const client = fixture.collect(connectTo({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true }));
    await waitFor('the hand-over', () => said.includes('given'));
    await waitFor('what was read before', () => client.bytes().includes('head'));
    client.socket.write('one\n');
    await waitFor('one', () => client.bytes().includes('one'));
    gateway.kill('SIGKILL');
    await once(gateway, 'exit');
    await fixture.client.close({ isPlatformDown: false });
    client.socket.end('two\n');
    await ended(client);
    t.equal(client.payload().toString(), 'head\none\ntwo\n');
    t.equal((await fixture.exitOf(container)).exitCode, 0);
  });

  t.test('a later kernel is told what is held, and can end it', async (t) => {
    const fixture = new StreamsFixture(t);
    const bundle = fixture.bundle(specOf(['true']));
    const attached = fixture.open(await fixture.offer(bundle), 'docker');
    const waiting = fixture.open(await fixture.client.offerWait({ container: bundle.id, condition: 'next-exit' }), 'chunked');
    await waitFor('it is connected', () => attached.socket.readyState === 'open' && waiting.socket.readyState === 'open');
    await fixture.client.close({ isPlatformDown: false });
    const later = fixture.newClient();
    t.equal(await later.adopt(), true);
    t.same(fixture.held, [{ target: bundle.id, run: 0, sessions: 1, waits: ['next-exit'] }]);
    t.equal(later.hasSessions(bundle.id), true);
    t.equal(fixture.processes().length, 1);
    later.exited(bundle.id, 1, 3, true);
    t.equal((await ended(waiting)).toString(), '11\r\n{"StatusCode":3}\n\r\n0\r\n\r\n');
    await ended(attached);
  });

  t.test('it ends with a platform that goes down: at once, or with its last client', async (t) => {
    const empty = new StreamsFixture(t);
    const gone = empty.open(await empty.client.offerWait({ container: 'a', condition: 'removed' }), 'raw');
    empty.client.removed('a');
    await ended(gone);
    await empty.client.close({ isPlatformDown: true });
    t.same(empty.processes(), [], 'nothing is held, and nothing is left when the kernel has said it');

    const busy = new StreamsFixture(t);
    const waiting = busy.open(await busy.client.offerWait({ container: 'b', condition: 'removed' }), 'raw');
    await waitFor('it is connected', () => waiting.socket.readyState === 'open');
    await busy.client.close({ isPlatformDown: true });
    t.equal(busy.processes().length, 1, 'it has a client');
    waiting.socket.destroy();
    await waitFor('its end', () => busy.processes().length === 0);
  });

  t.test('each condition is answered at its own moment', async (t) => {
    const fixture = new StreamsFixture(t);
    const { id } = fixture.bundle(specOf(['true']));
    const open = async (condition: string, framing = 'raw'): Promise<ReturnType<StreamsFixture['open']>> =>
      fixture.open(await fixture.client.offerWait({ container: id, condition }), framing);
    const [next, stopped, removed] = [await open('next-exit'), await open('not-running'), await open('removed')];
    fixture.client.exited(id, 1, 1, true);
    t.equal((await ended(next)).toString(), '{"StatusCode":1}\n');
    fixture.client.exited(id, 2, 127, false, 'no such file');
    t.equal((await ended(stopped)).toString(), '{"StatusCode":127,"Error":{"Message":"no such file"}}\n');
    t.notOk(removed.isEnded());
    fixture.client.removed(id, 5);
    t.equal((await ended(removed)).toString(), '{"StatusCode":5}\n');
    await t.rejects(open('whenever'), { code: 'WAIT_CONDITION_INVALID' });
  });

  t.test('its death ends its clients and their stdin, nothing else; the next ticket starts another one', async (t) => {
    const fixture = new StreamsFixture(t);
    const { container, client } = await fixture.runAttached(['sh', '-c', 'cat; while :; do echo over; sleep 0.05; done'], { stdin: true });
    client.socket.write('typed\n');
    await waitFor('the echo', () => client.bytes().includes('typed'));
    const [old] = fixture.processes();
    t.ok(old);
    if (old !== undefined) signalProcess(old.pid, old.startTime, 'SIGKILL');
    await waitFor('the end of the client', () => client.isEnded() || client.socket.destroyed);
    t.equal(fixture.client.hasSessions(container.id), false);
    const back = fixture.open(await fixture.offer(container, { isRunning: true }), 'raw');
    await waitFor('the container went on', () => back.bytes().includes('over'));
    t.equal(fixture.processes().length, 1);
    t.not(fixture.processes()[0]?.pid, old?.pid);
    fixture.kill(container);
    await ended(back);
  });

  t.test('it ends by itself when it is idle, not before', async (t) => {
    const fixture = new StreamsFixture(t, 400);
    const bundle = fixture.bundle(specOf(['true']));
    const client = fixture.open(await fixture.offer(bundle), 'raw');
    const [process] = fixture.processes();
    t.ok(process);
    const began = performance.now();
    await waitFor('twice the idle time', () => performance.now() - began > 800);
    t.equal(fixture.processes().length, 1, 'it has a client');
    client.socket.destroy();
    fixture.client.exited(bundle.id, 1, 0, false);
    await waitFor('its end', () => fixture.processes().length === 0);
    await fixture.offer(bundle);
    t.equal(fixture.processes().length, 1);
  });

  t.test('what is no ticket is refused', async (t) => {
    const fixture = new StreamsFixture(t);
    await fixture.offer(fixture.bundle(specOf(['true'])));
    for (const line of ['{"token":"x","framing":"raw"}', 'nonsense', '{}', '{"token":"x","framing":"odd"}']) {
      const client = fixture.collect(connectTo({ path: fixture.socketPath, allowHalfOpen: true }));
      client.socket.write(`${line}\n`);
      await waitFor(`the refusal of ${line}`, () => client.isEnded() || client.socket.destroyed);
    }
    t.equal(fixture.processes().length, 1);
  });
}
