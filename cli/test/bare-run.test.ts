import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { needs, startProcess, waitFor } from '@cleat/harness';
import t from 'tap';
import { isRecord, numberAt, textAt } from '../src/output/json.ts';
import { testPlatform } from './test-platform.ts';

const LOOP = 'trap "echo got; exit 4" TERM; echo ready; while :; do sleep 0.05; done';

t.test('a kernel without plugins runs containers from a directory', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return;
  const platform = await testPlatform(t);
  const { cleat, rootfs } = platform;
  const run = ['run', '--rm', '--rootfs', rootfs];

  await t.test('output, standard input and exit code are those of the command', async (t) => {
    t.match(await cleat([...run, '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']), {
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    t.match(await cleat([...run, '-i', '--', 'sh', '-c', 'cat; echo end'], { input: 'some input' }), {
      code: 0,
      stdout: 'some inputend\n',
    });
    t.match(
      await cleat([
        ...run,
        '-e',
        'A=b c',
        '-w',
        '/tmp',
        '--hostname',
        'here',
        '--',
        'sh',
        '-c',
        'echo "$A" "$PWD" "$(hostname)"',
      ]),
      { code: 0, stdout: 'b c /tmp here\n' },
    );
    const megabytes = await cleat([...run, '--', 'sh', '-c', 'head -c 900000 /dev/zero']);
    t.equal(megabytes.stdout.length, 900_000, 'all of it, in order, before the end');
  });

  await t.test('a command that is not there, or cannot be executed, leaves nothing behind', async (t) => {
    t.match(await cleat([...run, '--', '/nope']), { code: 127, stdout: '', stderr: /^cleat: .*\/nope/ });
    t.match(await cleat([...run, '--', '/etc']), { code: 126 });
    t.match(await cleat(['ps', '-aq']), { code: 0, stdout: '' });
  });

  await t.test('what nobody provides is refused with a hint', async (t) => {
    t.match(await cleat([...run, '--claim', 'gpu={}', '--', 'true']), {
      code: 125,
      stderr: /no plugin provides claims of the kind gpu\n/,
    });
    t.match(await cleat(['run', 'busybox']), { code: 125, stderr: /no plugin that answers image/ });
  });

  await t.test('signals are passed on to the container', async (t) => {
    const attached = startProcess(t, platform.argv(...run, '--', 'sh', '-c', LOOP));
    await attached.waitForOutput(/ready/);
    attached.signal('SIGTERM');
    t.match(await attached.waitForExit(), { code: 4 });
    t.match(attached.output(), /got/);
  });

  await t.test('a container in the background lives the whole life', async (t) => {
    const started = await cleat([
      'run',
      '-d',
      '--name',
      'bg',
      '-l',
      'for=test',
      '--rootfs',
      rootfs,
      '--',
      'sh',
      '-c',
      LOOP,
    ]);
    t.match(started, { code: 0, stdout: /^[0-9a-f]{64}\n$/ });
    t.match((await cleat(['ps'])).stdout, /bg\n$/);
    t.match(parsed((await cleat(['ps', '--json', '--filter', 'label=for=test'])).stdout), [
      { name: 'bg', status: 'running', exitCode: 0, finishedAt: null },
    ]);
    t.match(await cleat(['exec', '-e', 'X=1', 'bg', 'sh', '-c', 'echo $X; exit 9']), { code: 9, stdout: '1\n' });
    t.match(await cleat(['exec', '-i', 'bg', 'cat'], { input: 'to exec' }), { code: 0, stdout: 'to exec' });
    t.match(await cleat(['exec', 'bg', '/nope']), { code: 127 });
    t.match(await cleat(['exec', 'nobody', 'ls']), { code: 125 });
    t.match(parsed((await cleat(['inspect', 'bg'])).stdout), [{ name: 'bg', owner: 'operator', spec: { rootfs } }]);
    t.match(await cleat(['rm', 'bg']), { code: 1, stdout: '', stderr: /^cleat: / });
    t.match(await cleat(['pause', 'bg']), { code: 0, stdout: 'bg\n' });
    t.match(await cleat(['unpause', 'bg']), { code: 0 });
    t.match(await cleat(['stop', 'bg', 'nobody']), { code: 1, stdout: 'bg\n', stderr: /nobody/ });
    t.match(await cleat(['wait', 'bg']), { code: 0, stdout: '4\n' });
    t.match(await cleat(['start', 'bg']), { code: 0, stdout: 'bg\n' });
    t.match(await cleat(['rename', 'bg', 'old']), { code: 0, stdout: 'old\n' });
    t.match(await cleat(['kill', '-s', 'KILL', 'old']), { code: 0 });
    t.match(await cleat(['wait', 'old']), { code: 0, stdout: '137\n' });
    t.match(await cleat(['rm', 'old']), { code: 0, stdout: 'old\n' });
    t.match(await cleat(['inspect', 'old']), {
      code: 1,
      stdout: '[]\n',
      stderr: 'cleat: there is no container, image, volume or network old\n',
    });
  });

  await t.test('an attached client sees what comes, and leaves without an effect', async (t) => {
    await cleat([
      'run',
      '-d',
      '--name',
      'shown',
      '--rootfs',
      rootfs,
      '--',
      'sh',
      '-c',
      'while :; do echo tick; sleep 0.05; done',
    ]);
    const attached = startProcess(t, platform.argv('attach', '--no-stdin', '--no-signals', 'shown'));
    await attached.waitForOutput(/tick/);
    attached.signal('SIGINT');
    await attached.waitForExit();
    t.match(parsed((await cleat(['ps', '--json'])).stdout), [{ name: 'shown', status: 'running' }]);
    t.match(await cleat(['rm', '-f', 'shown']), { code: 0 });
    t.match(await cleat(['attach', 'shown']), { code: 125 });
  });

  await t.test('events are listed, followed, and written as CloudEvents', async (t) => {
    const past = await cleat(['events', '--format', 'json', '--type', 'container.exited']);
    const events = past.stdout.trimEnd().split('\n').map(parsed);
    t.ok(events.some((event) => numberAt(isRecord(event) ? event['data'] : undefined, 'exitCode') === 137));
    const sequences = events.map((event) => numberAt(event, 'sequence'));
    t.same(
      sequences,
      [...sequences].sort((left, right) => left - right),
    );
    t.match(
      (await cleat(['events', '--since', '10m', '--subject', 'shown'])).stdout,
      /container\.removed .* shown .*by=uid:0\n/,
    );
    const followed = startProcess(
      t,
      platform.argv('events', '--follow', '--format', 'cloudevents', '--type', 'container.*', '--since', '0s'),
    );
    // It says nothing when it stands, so containers run until it has seen one.
    await waitFor('an event', async () => {
      await cleat([...run, '--name', 'followed', '--', 'true']);
      return /"type":"dev\.cleat\.container\.exited\.v1".*"name":"followed"/.test(followed.output());
    });
    followed.signal('SIGTERM');
    t.match(await cleat(['events', '--after', '999999999']), { code: 0, stdout: '' });
  });

  await t.test('a program outside the platform gets credentials that only it can read', async (t) => {
    const out = join(platform.directory, 'audit.json');
    t.match(await cleat(['consumer', 'add', 'audit', '--subject', 'container.*', '--out', out]), {
      code: 0,
      stdout: '',
    });
    t.equal(statSync(out).mode & 0o777, 0o600);
    t.match(parsed(readFileSync(out, 'utf8')), { url: /^nats:/, jwt: /./ });
    t.match(parsed((await cleat(['consumer', 'ls', '--json'])).stdout), [{ name: 'audit', type: 'container.*' }]);
    t.match(await cleat(['consumer', 'add', 'other', '--out', out]), { code: 2, stderr: /such a file already/ });
    t.match(await cleat(['consumer', 'rm', 'audit']), { code: 0 });
  });

  await t.test('every operation can be called by hand', async (t) => {
    const info = parsed((await cleat(['call', 'node', 'info'])).stdout);
    t.match(info, { runDir: join(platform.directory, 'run'), busUp: true });
    t.match(parsed((await cleat(['call', 'event', 'list', '-'], { input: '{"after": 0, "limit": 1}' })).stdout), {
      events: [{ sequence: 1, time: /Z$/ }],
    });
    t.match(await cleat(['call', 'container', 'inspect', '{"container": "nobody"}']), { code: 1, stderr: /nobody/ });
    t.match(parsed((await cleat(['--json', 'info'])).stdout), { node: textAt(info, 'node'), containers: {} });
    t.match(parsed((await cleat(['version', '--json'])).stdout), { server: { nats: /^\d/ } });
    t.same(parsed((await cleat(['plugin', 'ls', '--json'])).stdout), []);
  });
});

function parsed(text: string): unknown {
  return JSON.parse(text);
}
