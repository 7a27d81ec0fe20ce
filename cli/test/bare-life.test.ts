import { needs, startProcess } from '@cleat/harness';
import t from 'tap';
import { testPlatform } from './test-platform.ts';

const LOOP = 'trap "echo got; exit 4" TERM; echo ready; while :; do sleep 0.05; done';

t.test('a container in the background is managed from its start to its removal', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return;
  const platform = await testPlatform(t);
  const { cleat, rootfs } = platform;

  await t.test('a container in the background lives the whole life', async (t) => {
    const started = await cleat(['run', '-d', '--name', 'bg', '-l', 'for=test', '--rootfs', rootfs, '--', 'sh', '-c', LOOP]);
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
    await cleat(['run', '-d', '--name', 'shown', '--rootfs', rootfs, '--', 'sh', '-c', 'while :; do echo tick; sleep 0.05; done']);
    const attached = startProcess(t, platform.argv('attach', '--no-stdin', '--no-signals', 'shown'));
    await attached.waitForOutput(/tick/);
    attached.signal('SIGINT');
    await attached.waitForExit();
    t.match(parsed((await cleat(['ps', '--json'])).stdout), [{ name: 'shown', status: 'running' }]);
    t.match(await cleat(['rm', '-f', 'shown']), { code: 0 });
    t.match(await cleat(['attach', 'shown']), { code: 125 });
  });
});

function parsed(text: string): unknown {
  return JSON.parse(text);
}
