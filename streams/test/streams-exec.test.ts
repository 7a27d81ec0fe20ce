import { Deadline } from '@cleat/core/deadlines';
import { isZombie, signalProcess } from '@cleat/core/syscalls';
import { needs, waitFor } from '@cleat/harness';
import { type RunningContainer, specOf } from '@cleat/runtime/test-fixture';
import t, { type Test } from 'tap';
import type { StartedOnStreams } from '../src/client.ts';
import { type Client, ended, StreamsFixture } from './streams-fixture.ts';

const EXEC = 'e1';

interface RunningExec extends StartedOnStreams {
  readonly client: Client;
  /** What the kernel was told: a code, or undefined for a process that died with it; nothing yet. */
  readonly ends: readonly (number | undefined)[];
}

async function exec(fixture: StreamsFixture, container: RunningContainer, args: readonly string[], stdin = false): Promise<RunningExec> {
  const ends: (number | undefined)[] = [];
  const started = await fixture.client.exec({
    exec: EXEC,
    info: { attachStdin: stdin, attachStdout: true, attachStderr: true },
    command: await fixture.execCommand(container, args),
    deadline: Deadline.after(20_000),
    onEnd: (exitCode) => ends.push(exitCode),
  });
  return { ...started, client: fixture.open(started.ticket, 'raw'), ends };
}

async function box(t: Test): Promise<{ readonly fixture: StreamsFixture; readonly container: RunningContainer }> {
  const fixture = new StreamsFixture(t);
  return { fixture, container: await fixture.run(specOf(['sleep', '100'])) };
}

if (needs(t, 'root', 'runc', 'conmon', 'busybox')) {
  t.test('output, input and code are those of the process; its client is let go when the kernel has noted the code', async (t) => {
    const { fixture, container } = await box(t);
    const script = 'cat; echo late >&2; exit 7';
    const { client, ends, pid } = await exec(fixture, container, ['sh', '-c', script], true);
    t.ok(pid > 0);
    const typed = Buffer.alloc(3_000_000, 'typed text ');
    client.socket.write(typed);
    client.socket.end();
    await waitFor('its end', () => ends.length > 0);
    t.same(ends, [7]);
    t.notOk(client.isEnded(), 'the kernel does not know yet');
    fixture.client.execExited(EXEC, 7);
    await ended(client);
    t.equal(client.payload().length, typed.length + 'late\n'.length);
    t.equal(client.bytes().subarray(-13)[0], 2, 'on stderr');
  });

  t.test('a process that lets a child keep its output is not waited for', async (t) => {
    const { fixture, container } = await box(t);
    const { client, ends } = await exec(fixture, container, ['sh', '-c', 'sleep 50 & echo gone']);
    await waitFor('its end', () => ends.length > 0);
    fixture.client.execExited(EXEC, 0);
    t.match((await ended(client)).toString(), /gone\n/);
  });

  t.test('one that cannot be made leaves nothing, and says why', async (t) => {
    const { fixture, container } = await box(t);
    const { pid, complaint, client, ends } = await exec(fixture, container, ['nosuch']);
    t.equal(pid, 0);
    t.match(complaint, /nosuch.*not found/);
    await ended(client);
    t.same(ends, []);
    await fixture.client.close({ isPlatformDown: true });
    t.same(fixture.processes(), []);
  });

  t.test('it runs on without its client, and is heard to its end', async (t) => {
    const { fixture, container } = await box(t);
    const script =
      'echo here; read x; i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; exit 3';
    const { client, ends } = await exec(fixture, container, ['sh', '-c', script], true);
    await waitFor('its client has come', () => client.bytes().includes('here'));
    client.socket.destroy();
    await waitFor('its end', () => ends.length > 0);
    t.same(ends, [3], 'its stdin ended, and 120 KB of output did not stop it');
  });

  t.test('a later kernel finds the running one, and the end that nobody has noted', async (t) => {
    const { fixture, container } = await box(t);
    const { client } = await exec(fixture, container, ['sh', '-c', 'read x; exit 9'], true);
    await fixture.client.close({ isPlatformDown: false });
    const second = fixture.newClient();
    t.equal(await second.adopt(), true);
    t.match(fixture.held.at(-1), { target: EXEC, exec: { exitCode: null } });
    t.equal(
      second.watchExec('another', () => undefined),
      false,
    );
    await second.close({ isPlatformDown: false });
    client.socket.end();
    const third = fixture.newClient();
    await waitFor('it is told', async () => {
      await third.close({ isPlatformDown: false });
      await third.adopt();
      return fixture.held.at(-1)?.exec?.exitCode === 9;
    });
    const ends: (number | undefined)[] = [];
    t.equal(
      third.watchExec(EXEC, (exitCode) => ends.push(exitCode)),
      true,
    );
    await waitFor('its end', () => ends.length > 0);
    t.same(ends, [9]);
    third.execExited(EXEC, 9);
    await ended(client);
  });

  t.test('when streams dies the kernel is told that nobody knows the code', async (t) => {
    const { fixture, container } = await box(t);
    const { client, ends, pid } = await exec(fixture, container, ['sleep', '50']);
    for (const { pid: streams, startTime } of fixture.processes()) signalProcess(streams, startTime, 'SIGKILL');
    await waitFor('it is told', () => ends.length > 0);
    t.same(ends, [undefined]);
    await waitFor('the end of the client', () => client.isEnded() || client.socket.destroyed);
    t.notOk(isZombie(pid), 'the process runs on: to end it is the kernel’s part');
  });
}
