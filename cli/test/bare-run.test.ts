import { needs, startProcess } from '@cleat/harness';
import t from 'tap';
import { testPlatform } from './test-platform.ts';

const LOOP = 'trap "echo got; exit 4" TERM; echo ready; while :; do sleep 0.05; done';

t.test('a kernel without plugins runs containers from a directory', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return;
  const platform = await testPlatform(t);
  const { cleat, rootfs } = platform;
  const run = ['run', '--rm', '--rootfs', rootfs];

  await t.test('output, standard input and exit code are those of the command', async (t) => {
    t.match(await cleat([...run, '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']), { code: 7, stdout: 'out\n', stderr: 'err\n' });
    t.match(await cleat([...run, '-i', '--', 'sh', '-c', 'cat; echo end'], { input: 'some input' }), {
      code: 0,
      stdout: 'some inputend\n',
    });
    t.match(await cleat([...run, '-e', 'A=b c', '-w', '/tmp', '--hostname', 'here', '--', 'sh', '-c', 'echo "$A" "$PWD" "$(hostname)"']), {
      code: 0,
      stdout: 'b c /tmp here\n',
    });
    const megabytes = await cleat([...run, '--', 'sh', '-c', 'head -c 900000 /dev/zero']);
    t.equal(megabytes.stdout.length, 900_000, 'all of it, in order, before the end');
  });

  await t.test('a command that is not there, or cannot be executed, leaves nothing behind', async (t) => {
    t.match(await cleat([...run, '--', '/nope']), { code: 127, stdout: '', stderr: /^cleat: .*\/nope/ });
    t.match(await cleat([...run, '--', '/etc']), { code: 126 });
    t.match(await cleat(['ps', '-aq']), { code: 0, stdout: '' });
  });

  await t.test('what nobody provides is refused with a hint', async (t) => {
    t.match(await cleat([...run, '--claim', 'gpu={}', '--', 'true']), { code: 125, stderr: /no plugin provides claims of the kind gpu\n/ });
    t.match(await cleat(['run', 'busybox']), { code: 125, stderr: /no plugin that answers image/ });
  });

  await t.test('signals are passed on to the container', async (t) => {
    const attached = startProcess(t, platform.argv(...run, '--', 'sh', '-c', LOOP));
    await attached.waitForOutput(/ready/);
    attached.signal('SIGTERM');
    t.match(await attached.waitForExit(), { code: 4 });
    t.match(attached.output(), /got/);
  });
});
