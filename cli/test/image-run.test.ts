import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeImportTar, needs, startProcess } from '@cleat/harness';
import t from 'tap';
import { testPlatform } from './test-platform.ts';

/** Lines on both streams, the last one when it is asked to end. */
const LINES = 'trap "exit 0" TERM; for i in 1 2 3; do echo out $i; echo err $i >&2; done; while :; do sleep 0.05; done';

t.test('images, volumes and logs by the command', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox', 'overlayfs')) return;
  const platform = await testPlatform(t, 'images,storage,logging');
  const { cleat, directory } = platform;
  const tar = makeImportTar(join(directory, 'rootfs.tar'));
  const run = ['run', '--rm', '--network', 'none'];

  await t.test('an image is made of a root file system, named, saved and loaded', async (t) => {
    t.match(await cleat(['image', 'import', '-c', 'ENV FROM=image', tar, 'tools:1']), {
      code: 0,
      stdout: /^sha256:[0-9a-f]{64}\n$/,
      stderr: '',
    });
    t.match(await cleat(['image', 'tag', 'tools:1', 'tools:2']), { code: 0 });
    const list: unknown = JSON.parse((await cleat(['image', 'ls', '--json'])).stdout);
    t.match(list, [{ repoTags: ['tools:1', 'tools:2'] }]);
    const saved = join(directory, 'saved.tar');
    t.match(await cleat(['image', 'save', '-o', saved, 'tools:2']), { code: 0, stdout: '' });
    t.equal(statSync(saved).mode & 0o777, 0o600);
    t.match(await cleat(['image', 'rm', 'tools:2', 'tools:1']), { code: 0, stdout: /untagged tools:2\n(.*\n)*deleted sha256:/ });
    t.match(await cleat(['image', 'load', saved]), { code: 0, stdout: 'tools:2\n' });
    t.match(await cleat(['image', 'history', 'tools:2']), { code: 0, stdout: /^CREATED/ });
  });

  await t.test('an archive that is none, or is not there, is told in a sentence', async (t) => {
    const junk = join(directory, 'junk');
    writeFileSync(junk, 'junk');
    t.match(await cleat(['image', 'load', junk]), { code: 1, stdout: '', stderr: /^cleat: the archive / });
    t.match(await cleat(['image', 'load', '/does/not/exist']), { code: 1, stderr: 'cleat: /does/not/exist: no such file or directory\n' });
    const saved = join(directory, 'none.tar');
    t.match(await cleat(['image', 'save', '-o', saved, 'nobody']), { code: 1 });
    t.equal(existsSync(saved), false, 'a file appears when it is whole');
    t.match(await cleat([...run, 'nobody']), { code: 125, stderr: /there is no image nobody\n.*cleat image load/ });
  });

  await t.test("an image's defaults hold where flags say nothing else, and volumes outlive containers", async (t) => {
    t.match(await cleat([...run, 'tools:2', 'sh', '-c', 'echo $FROM']), { code: 0, stdout: 'image\n' });
    t.match(await cleat([...run, '-e', 'FROM=flag', 'tools:2', 'sh', '-c', 'echo $FROM']), { code: 0, stdout: 'flag\n' });
    t.match(await cleat([...run, '-v', 'data:/data', 'tools:2', 'sh', '-c', 'echo kept > /data/file']), { code: 0 });
    t.match(await cleat([...run, '-v', 'data:/data:ro', 'tools:2', 'sh', '-c', 'cat /data/file; touch /data/x']), {
      code: 1,
      stdout: 'kept\n',
    });
    t.match(await cleat(['volume', 'ls', '-q']), { code: 0, stdout: 'data\n' });
    t.match(await cleat(['volume', 'rm', 'data', 'nobody']), { code: 1, stdout: 'data\n', stderr: /nobody/ });
  });

  await t.test('logs are told by stream, from their end, by time, and as they come', async (t) => {
    await cleat(['run', '-d', '--name', 'talker', '--network', 'none', 'tools:2', 'sh', '-c', LINES]);
    const following = startProcess(t, platform.argv('logs', '--follow', '--timestamps', 'talker'));
    await following.waitForOutput(/^\d{4}-\d\d-\d\dT.*Z err 3$/m);
    t.match(await cleat(['logs', 'talker']), { code: 0, stdout: 'out 1\nout 2\nout 3\n', stderr: 'err 1\nerr 2\nerr 3\n' });
    const tail = await cleat(['logs', '--tail', '2', 'talker']);
    // Which of two pipes is read first is the monitor's affair.
    t.match(`${tail.stdout}${tail.stderr}`, /^(out|err) [23]\n(out|err) 3\n$/);
    t.match(await cleat(['logs', '--since', '2099-01-01', 'talker']), { code: 0, stdout: '', stderr: '' });
    t.match(await cleat(['logs', '--since', 'soon', 'talker']), { code: 2 });
    t.match(await cleat(['stop', 'talker']), { code: 0 });
    t.match(await following.waitForExit(), { code: 0 }, 'following ends with the container');
    t.match(await cleat(['rm', 'talker']), { code: 0 });
  });

  await t.test('a plugin can be run in the foreground, in place of one that the platform runs', async (t) => {
    t.match(await cleat(['plugin', 'run', 'storage']), { code: 125, stderr: /is there already/ });
    const made = join(directory, 'mine');
    await cleat(['plugin', 'new', 'mine', '--kind', 'observer', '-d', made]);
    t.match(await cleat(['plugin', 'run', made]), { code: /^[1-9]/ }, 'it is not built yet');
    t.match(await cleat(['plugin', 'inspect', 'mine']), { code: 1 }, 'and does not stay');
    t.match(await cleat(['plugin', 'run', 'nobody']), { code: 125, stderr: /no plugin nobody/ });
  });
});
