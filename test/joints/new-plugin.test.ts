import { join } from 'node:path';
import { needs, runProcess, tempDir } from '@cleat/harness';
import t, { type Test } from 'tap';
import { Platform } from '../platform/platform.ts';

t.setTimeout(240_000);

/** As the guide for authors says it, but for the suite, which has a test of its own. */
async function made(platform: Platform, kind: string): Promise<string> {
  const directory = join(platform.dir, `my-${kind}`);
  await platform.cleat(['plugin', 'new', `my-${kind}`, '--kind', kind, '-d', directory]);
  await runProcess(['npm', 'run', 'build'], { cwd: directory, timeoutMs: 60_000 });
  return directory;
}

async function refusals(t: Test, platform: Platform, argv: readonly string[], words: RegExp): Promise<void> {
  const { code, stderr } = await platform.cleat(argv, { allowExit: 'any' });
  t.not(code, 0, argv.join(' '));
  t.match(stderr, words);
}

t.test('new plugins are installed, used, and removed after what they drive', async (t) => {
  if (!needs(t, 'root', 'overlayfs', 'docker')) return;
  const platform = new Platform(tempDir(t, 'new-plugin'));
  await platform.up();
  t.teardown(() => platform.down());
  await platform.importBusybox();

  await platform.cleat(['plugin', 'install', await made(platform, 'volume-driver')]);
  await platform.docker(['volume', 'create', '-d', 'my-volume-driver', 'data']);
  const written = ['run', '--rm', '-v', 'data:/data', 'busybox', 'sh', '-c', 'echo hello > /data/f; cat /data/f'];
  t.equal((await platform.docker(written)).stdout, 'hello\n');
  await refusals(t, platform, ['plugin', 'rm', 'my-volume-driver'], /is the driver of volume data/);
  await refusals(t, platform, ['call', 'plugin', 'remove', '{"name": "my-volume-driver"}'], /is the driver of volume data/);
  await platform.docker(['volume', 'rm', 'data']);
  await platform.cleat(['plugin', 'rm', 'my-volume-driver']);

  const driver = await made(platform, 'network-driver');
  await platform.cleat(['plugin', 'install', driver]);
  await platform.docker(['network', 'create', '-d', 'my-network-driver', 'lonely']);
  await platform.docker(['run', '-d', '--name', 'web', '--stop-signal', 'KILL', 'busybox', 'sleep', '1000']);
  const addresses = async (): Promise<string> => (await platform.docker(['exec', 'web', 'ip', 'address'])).stdout;
  await platform.docker(['network', 'connect', 'lonely', 'web']);
  t.match(await addresses(), /inet 198\.18\./);
  await platform.cleat(['plugin', 'install', driver]);
  await platform.docker(['network', 'disconnect', 'lonely', 'web']);
  t.notMatch(await addresses(), /inet 198\.18\./, 'also by one that was upgraded meanwhile');
  await refusals(t, platform, ['plugin', 'disable', 'my-network-driver'], /is the driver of network lonely/);
  await platform.docker(['network', 'rm', 'lonely']);

  await platform.cleat(['plugin', 'install', await made(platform, 'authz')]);
  const privileged = ['run', '--rm', '--privileged', 'busybox', 'true'];
  await platform.docker(privileged);
  const { plugins } = JSON.parse((await platform.cleat(['status', '--json'])).stdout) as {
    readonly plugins: readonly { readonly name: string; readonly pid: number }[];
  };
  const judge = plugins.find(({ name }) => name === 'my-authz')?.pid ?? 0;
  t.ok(judge > 1);
  process.kill(judge, 'SIGSTOP');
  t.match((await platform.docker(privileged, { allowExit: 'any' })).stderr, /authorization denied/, 'silence denies');
  process.kill(judge, 'SIGKILL');
  await platform.cleat(['plugin', 'rm', 'my-authz']);
  await platform.docker(privileged);
});
