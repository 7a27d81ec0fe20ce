import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deadline } from '@cleat/core/deadlines';
import { connectSeqpacket, type SeqpacketConnection } from '@cleat/core/syscalls';
import { needs, waitFor } from '@cleat/harness';
import t, { type Test } from 'tap';
import { ControlQueue, type ExecRequest, execMonitored, isMonitorAlive, readExit, type StartedExec } from '../src/monitor/index.ts';
import { buildProcess } from '../src/oci/index.ts';
import { logLines, processOf, type RunningContainer, RuntimeFixture, specOf } from './runtime-fixture.ts';

interface ExecOptions {
  readonly terminal?: boolean;
  readonly openStdin?: boolean;
  readonly onAttachable?: (path: string) => Promise<void>;
}

function exec(
  fixture: RuntimeFixture,
  container: RunningContainer,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<StartedExec> {
  const directory = join(fixture.directory, `e${Math.random().toString(16).slice(2)}`);
  mkdirSync(directory);
  const process = buildProcess({
    process: processOf(args, { terminal: options.terminal ?? false }),
    user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
    isPrivileged: false,
    host: fixture.host,
    environment: [],
    hostname: 'box',
  });
  const request: ExecRequest = {
    container: container.id,
    id: directory,
    directory,
    runtime: fixture.runtime,
    monitorPath: fixture.monitorPath,
    process,
    openStdin: options.openStdin ?? false,
    leaveStdinOpen: options.terminal ?? false,
    deadline: Deadline.after(20_000),
    ...(options.onAttachable === undefined ? {} : { onAttachable: options.onAttachable }),
  };
  return execMonitored(request);
}

async function exitCode(container: RunningContainer, started: StartedExec): Promise<number> {
  const place = { id: container.id, exitDir: started.exitDir, persistDir: started.exitDir };
  return (await waitFor('the end of the exec', () => readExit(place), { intervalMs: 2 })).exitCode;
}

/** Collects what an attach socket gives, without the stream bytes. */
function collector(t: Test): { attach: (path: string) => Promise<void>; text: () => string; connection: () => SeqpacketConnection } {
  let connection: SeqpacketConnection | undefined;
  const packets: Buffer[] = [];
  t.teardown(() => connection?.socket.destroy());
  const attach = async (path: string): Promise<void> => {
    const opened = connectSeqpacket(path);
    connection = opened;
    opened.socket.on('data', (packet: Buffer) => packets.push(packet.subarray(1)));
    // An exec that fails closes the socket on whoever is connected.
    opened.socket.on('error', () => undefined);
    opened.socket.on('end', () => {
      packets.push(...opened.drain().map((packet) => packet.subarray(1)));
      opened.socket.destroy();
    });
  };
  return {
    attach,
    text: () => Buffer.concat(packets).toString(),
    connection: () => {
      if (connection === undefined) throw new Error('not attached');
      return connection;
    },
  };
}

if (needs(t, 'root', 'runc', 'conmon', 'busybox')) {
  t.test('execs in a running container', async (t) => {
    const fixture = new RuntimeFixture(t);
    const container = await fixture.run(specOf(['sleep', '100']));

    await t.test('detached: its exit code comes by its own exit file', async (t) => {
      const started = await exec(fixture, container, ['sh', '-c', 'exit 9']);
      t.ok(started.pid > 0);
      t.equal(await exitCode(container, started), 9);
    });

    await t.test('attached: no byte of its first output is lost, and stdin ends it', async (t) => {
      const streams = collector(t);
      const started = await exec(fixture, container, ['sh', '-c', 'echo first; cat; exit 5'], {
        openStdin: true,
        onAttachable: streams.attach,
      });
      streams.connection().socket.end('typed\n');
      t.equal(await exitCode(container, started), 5);
      await waitFor('the output', () => streams.text() === 'first\ntyped\n');
    });

    await t.test('with a terminal: its size is set, the last one wins', async (t) => {
      const streams = collector(t);
      const directoryOf = (path: string): string => path.slice(0, -'/attach'.length);
      let queue: ControlQueue | undefined;
      const started = await exec(fixture, container, ['sh', '-c', 'read x; stty size; exit 2'], {
        terminal: true,
        openStdin: true,
        onAttachable: (path) => {
          queue = new ControlQueue(directoryOf(path));
          return streams.attach(path);
        },
      });
      t.ok(queue);
      void queue?.resize(11, 22);
      void queue?.resize(12, 23);
      await queue?.resize(33, 44);
      streams.connection().socket.write('go\n');
      t.equal(await exitCode(container, started), 2);
      await waitFor('the size', () => streams.text().includes('33 44'));
      await waitFor('the end of the monitor', () => !isMonitorAlive(started.monitor));
      await t.rejects(queue?.resize(1, 1) ?? Promise.resolve(), { code: 'MONITOR_GONE', class: 'conflict' });
    });

    await t.test('what can not be run says so', async (t) => {
      await t.rejects(exec(fixture, container, ['nothing-here']), {
        code: 'PROCESS_NOT_FOUND',
        message: /OCI runtime exec failed: .*exec: "nothing-here": executable file not found in \$PATH/,
        details: { exitCode: '127' },
      });
      await t.rejects(exec(fixture, container, ['/etc/passwd']), {
        code: 'PROCESS_NOT_EXECUTABLE',
        message: /permission denied/,
        details: { exitCode: '126' },
      });
      const streams = collector(t);
      await t.rejects(exec(fixture, container, ['nothing-here'], { onAttachable: streams.attach }), { code: 'PROCESS_NOT_FOUND' });
    });

    await t.test('the end of the container ends it', async (t) => {
      const started = await exec(fixture, container, ['sleep', '100']);
      fixture.kill(container);
      t.equal(await exitCode(container, started), 137);
      await fixture.exitOf(container);
      await t.rejects(exec(fixture, container, ['true']), { code: /RUNTIME_FAILED/ });
    });
  });

  t.test('a log is rotated without losing a line', async (t) => {
    const fixture = new RuntimeFixture(t);
    const burst = 'for n in 1 2 3 4 5 6 7 8 9; do echo line-$i; i=$((i+1)); done';
    const script = `i=0; while [ ! -e /stop ]; do ${burst}; sleep 0.01; done`;
    const container = await fixture.run(specOf(['sh', '-c', script]));
    const queue = new ControlQueue(container.directory);
    const files = [1, 2, 3].map((number) => `${container.logPath}.${number}`);
    for (const file of files) await queue.rotateLog(container.logPath, file, Deadline.after(5000));
    writeFileSync(join(fixture.root, 'stop'), '');
    await fixture.exitOf(container);
    const text = [...files, container.logPath].map((path) => readFileSync(path, 'utf8')).join('');
    const lines = logLines(text);
    t.ok(lines.length > 50);
    t.same(
      lines,
      lines.map((_line, index) => `line-${index}`),
    );
  });
}
