import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, leakCheck, needs, tempDir, waitFor } from '@cleat/harness';
import t, { type Test } from 'tap';
import { Platform } from '../platform/platform.ts';

// @tap-timeout is per file: the whole of Docker's everyday in one platform.
t.setTimeout(300_000);

t.test('the docker client of the user works unchanged', async (t) => {
  if (!needs(t, 'root', 'overlayfs', 'docker')) return;
  const platform = new Platform(tempDir(t, 'docker-cli'));
  const leaks = leakCheck(t, { dirs: [platform.runDir] });
  await platform.up();
  t.teardown(() => platform.down());
  await platform.importBusybox();
  await images(t, platform);
  await running(t, platform);
  await interactive(t, platform);
  await lifecycle(t, platform);
  await networks(t, platform);
  await volumes(t, platform);
  await copies(t, platform);
  await logs(t, platform);
  await limits(t, platform);
  await events(t, platform);
  await badInput(t, platform);
  await platform.down();
  t.same(
    (await leaks.differences()).filter((line) => !line.startsWith('+ files')),
    [],
    'no mount and no process is left behind',
  );
});

/** Runs docker and compares exit code and output. */
async function check(
  t: Test,
  platform: Platform,
  args: readonly string[],
  wanted: { readonly code?: number; readonly out?: string | RegExp; readonly err?: RegExp; readonly input?: string },
): Promise<void> {
  const { code, stdout, stderr } = await platform.docker(args, {
    allowExit: 'any',
    ...(wanted.input === undefined ? {} : { input: wanted.input }),
  });
  const title = `docker ${args.join(' ')}`.slice(0, 110);
  t.equal(code, wanted.code ?? 0, `${title}: exit code (${stderr.trim().slice(0, 200)})`);
  if (typeof wanted.out === 'string') t.equal(stdout, wanted.out, title);
  else if (wanted.out !== undefined) t.match(stdout, wanted.out, title);
  if (wanted.err !== undefined) t.match(stderr, wanted.err, `${title}: error`);
}

async function images(t: Test, platform: Platform): Promise<void> {
  await t.test('version, info and images', async (t) => {
    await check(t, platform, ['version', '--format', '{{.Server.APIVersion}}'], { out: '1.55\n' });
    await check(t, platform, ['info', '--format', '{{.OSType}}'], { out: 'linux\n' });
    await check(t, platform, ['images', '--format', '{{.Repository}}:{{.Tag}}'], { out: 'busybox:latest\n' });
    await check(t, platform, ['tag', 'busybox', 'other/name:1.0'], {});
    const archive = join(platform.dir, 'saved.tar');
    await check(t, platform, ['save', '-o', archive, 'other/name:1.0'], {});
    await check(t, platform, ['rmi', 'other/name:1.0'], { out: /Untagged: other\/name:1\.0/ });
    await check(t, platform, ['load', '-i', archive], { out: /Loaded image: other\/name:1\.0/ });
    await check(t, platform, ['rmi', 'other/name:1.0'], { out: /Untagged/ });
    await check(t, platform, ['rmi', 'missing'], { code: 1, err: /No such image: missing:latest/ });
  });
}

async function running(t: Test, platform: Platform): Promise<void> {
  await t.test('run: exit codes, streams, environment, user, directory', async (t) => {
    const run = (args: readonly string[], wanted: Parameters<typeof check>[3]): Promise<void> =>
      check(t, platform, ['run', '--rm', '--network', 'none', ...args], wanted);
    await run(['busybox', 'sh', '-c', 'echo out; echo err >&2; exit 7'], { code: 7, out: 'out\n', err: /^err\n$/ });
    await run(['-e', 'A=b c', 'busybox', 'sh', '-c', 'echo "$A"'], { out: 'b c\n' });
    await run(['-w', '/tmp', 'busybox', 'pwd'], { out: '/tmp\n' });
    await run(['-u', '65534:65534', 'busybox', 'id', '-u'], { out: '65534\n' });
    await run(['-u', 'nobody-at-all', 'busybox', 'true'], { code: 125, err: /unable to find user nobody-at-all/ });
    await run(['--entrypoint', '/bin/echo', 'busybox', 'hello'], { out: 'hello\n' });
    await run(['busybox', '/no/such/program'], { code: 127, err: /no such file or directory/ });
    await run(['busybox', '/etc'], { code: 126, err: /permission denied|is a directory/ });
    await run(['-i', 'busybox', 'cat'], { input: 'through and back\n', out: 'through and back\n' });
    await run(['--hostname', 'some-host', 'busybox', 'hostname'], { out: 'some-host\n' });
    await run(['busybox', 'sh', '-c', "sh -c 'kill -9 $$'; exit $?"], { code: 137 });
    await run(['-l', 'a.b=c', 'busybox', 'true'], {});
    await run(['--read-only', 'busybox', 'touch', '/x'], { code: 1, err: /Read-only/ });
    const big = 'x'.repeat(3 * 1024 * 1024);
    await run(['-i', 'busybox', 'wc', '-c'], { input: big, out: /3145728/ });
  });
}

async function interactive(t: Test, platform: Platform): Promise<void> {
  await t.test('a terminal, exec, attach', async (t) => {
    await check(t, platform, ['run', '-d', '--name', 'shell', '-it', '--network', 'none', 'busybox', 'sh'], { out: /^[0-9a-f]{64}\n$/ });
    await check(t, platform, ['exec', 'shell', 'echo', 'in it'], { out: 'in it\n' });
    await check(t, platform, ['exec', '-e', 'X=1', '-w', '/tmp', 'shell', 'sh', '-c', 'pwd; echo $X; exit 3'], {
      code: 3,
      out: '/tmp\n1\n',
    });
    await check(t, platform, ['exec', '-i', 'shell', 'cat'], { input: 'into exec', out: 'into exec' });
    await check(t, platform, ['exec', 'shell', 'no-such-program'], { code: 127, out: /executable file not found/ });
    await check(t, platform, ['exec', '-t', 'shell', 'tty'], { out: /\/dev\/pts\/\d+/ });
    await check(t, platform, ['top', 'shell'], { out: /sh/ });
    await check(t, platform, ['rm', '-f', 'shell'], {});
    await check(t, platform, ['exec', 'shell', 'true'], { code: 1, err: /No such container: shell/ });
  });
}

async function lifecycle(t: Test, platform: Platform): Promise<void> {
  await t.test('create, start, stop, restart, kill, wait, rename, pause, rm', async (t) => {
    await check(t, platform, ['create', '--name', 'life', '--network', 'none', 'busybox', 'sleep', '1000'], { out: /^[0-9a-f]{64}\n$/ });
    await check(t, platform, ['create', '--name', 'life', 'busybox', 'true'], {
      code: 1,
      err: /Conflict\. The container name "\/life" is already in use by container/,
    });
    await check(t, platform, ['start', 'life'], { out: 'life\n' });
    await check(t, platform, ['ps', '--format', '{{.Names}} {{.State}}'], { out: 'life running\n' });
    await check(t, platform, ['pause', 'life'], {});
    await check(t, platform, ['inspect', '-f', '{{.State.Status}}', 'life'], { out: 'paused\n' });
    await check(t, platform, ['unpause', 'life'], {});
    await check(t, platform, ['rename', 'life', 'lived'], {});
    await check(t, platform, ['restart', '-t', '0', 'lived'], {});
    await check(t, platform, ['rm', 'lived'], { code: 1, err: /cannot remove container.*running/ });
    await check(t, platform, ['kill', '-s', 'KILL', 'lived'], {});
    await check(t, platform, ['wait', 'lived'], { out: '137\n' });
    await check(t, platform, ['start', 'lived'], {});
    await check(t, platform, ['stop', '-t', '0', 'lived'], {});
    await check(t, platform, ['inspect', '-f', '{{.State.ExitCode}} {{.State.Running}}', 'lived'], { out: '137 false\n' });
    await check(t, platform, ['rm', 'lived'], { out: 'lived\n' });
    await check(
      t,
      platform,
      ['run', '-d', '--name', 'again', '--restart', 'on-failure:2', '--network', 'none', 'busybox', 'sh', '-c', 'exit 4'],
      {},
    );
    await waitFor(
      'two restarts',
      async () => (await platform.docker(['inspect', '-f', '{{.RestartCount}} {{.State.Status}}', 'again'])).stdout === '2 exited\n',
      { timeoutMs: 10_000 },
    );
    t.pass('on-failure:2 restarted twice');
    await check(t, platform, ['rm', 'again'], {});
  });
}

async function networks(t: Test, platform: Platform): Promise<void> {
  await t.test('bridge, host, none, published ports', async (t) => {
    await check(t, platform, ['network', 'ls', '--format', '{{.Name}} {{.Driver}}'], { out: 'bridge bridge\nhost host\nnone null\n' });
    const port = await freePort();
    await check(
      t,
      platform,
      [
        'run',
        '-d',
        '--name',
        'web',
        '-p',
        `${port}:80`,
        'busybox',
        'sh',
        '-c',
        'mkdir /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www',
      ],
      {},
    );
    let body = '';
    await waitFor('the page', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      body = answer === undefined ? '' : await answer.text();
      return body !== '';
    });
    t.equal(body, 'page\n', 'a published port answers on the host');
    await check(t, platform, ['port', 'web', '80'], { out: new RegExp(`0\\.0\\.0\\.0:${port}`) });
    await check(t, platform, ['run', '--rm', '-p', `${port}:80`, 'busybox', 'true'], { code: 125, err: /port is already allocated/ });
    await check(t, platform, ['inspect', '-f', '{{.HostConfig.NetworkMode}}', 'web'], { out: 'bridge\n' });
    await check(t, platform, ['rm', '-f', 'web'], {});
    await check(t, platform, ['run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', 'ls /sys/class/net'], { out: 'lo\n' });
    await check(t, platform, ['run', '--rm', 'busybox', 'sh', '-c', 'ls /sys/class/net; cat /etc/resolv.conf >/dev/null'], {
      out: 'eth0\nlo\n',
    });
    await check(t, platform, ['run', '--rm', '--network', 'missing', 'busybox', 'true'], { code: 125, err: /network missing not found/ });
  });
}

async function volumes(t: Test, platform: Platform): Promise<void> {
  await t.test('volumes, named and bound', async (t) => {
    await check(t, platform, ['volume', 'create', 'kept'], { out: 'kept\n' });
    await check(
      t,
      platform,
      ['run', '--rm', '--network', 'none', '-v', 'kept:/data', 'busybox', 'sh', '-c', 'echo saved > /data/file'],
      {},
    );
    await check(t, platform, ['run', '--rm', '--network', 'none', '-v', 'kept:/data:ro', 'busybox', 'cat', '/data/file'], {
      out: 'saved\n',
    });
    await check(t, platform, ['run', '--rm', '--network', 'none', '-v', 'kept:/data:ro', 'busybox', 'touch', '/data/x'], {
      code: 1,
      err: /Read-only/,
    });
    await check(t, platform, ['run', '-d', '--name', 'holder', '--network', 'none', '-v', 'kept:/data', 'busybox', 'sleep', '1000'], {});
    await check(t, platform, ['volume', 'rm', 'kept'], { code: 1, err: /volume is in use/ });
    await check(t, platform, ['rm', '-f', 'holder'], {});
    await check(t, platform, ['volume', 'inspect', '-f', '{{.Driver}}', 'kept'], { out: 'local\n' });
    await check(t, platform, ['volume', 'rm', 'kept'], { out: 'kept\n' });
    const bound = join(platform.dir, 'bound');
    mkdirSync(bound);
    writeFileSync(join(bound, 'file'), 'from the host\n');
    await check(
      t,
      platform,
      ['run', '--rm', '--network', 'none', '-v', `${bound}:/b`, 'busybox', 'sh', '-c', 'cat /b/file; echo back > /b/answer'],
      { out: 'from the host\n' },
    );
    t.equal(readFileSync(join(bound, 'answer'), 'utf8'), 'back\n');
    await check(
      t,
      platform,
      ['run', '--rm', '--network', 'none', '--mount', 'type=bind,source=/no/such/place,target=/b', 'busybox', 'true'],
      { code: 125, err: /bind source path does not exist/ },
    );
    await check(t, platform, ['run', '--rm', '--network', 'none', '-v', 'fresh:/etc', 'busybox', 'ls', '/etc/passwd'], {
      out: '/etc/passwd\n',
    });
    await check(t, platform, ['volume', 'rm', 'fresh'], {});
  });
}

async function copies(t: Test, platform: Platform): Promise<void> {
  await t.test('cp both ways, running and stopped, and into volumes', async (t) => {
    const file = join(platform.dir, 'to-copy');
    writeFileSync(file, 'copied\n');
    await check(t, platform, ['run', '-d', '--name', 'copy', '--network', 'none', '-v', 'copied:/data', 'busybox', 'sleep', '1000'], {});
    await check(t, platform, ['cp', file, 'copy:/tmp/a'], {});
    await check(t, platform, ['cp', file, 'copy:/data/b'], {});
    await check(t, platform, ['exec', 'copy', 'cat', '/tmp/a', '/data/b'], { out: 'copied\ncopied\n' });
    await check(t, platform, ['stop', '-t', '0', 'copy'], {});
    await check(t, platform, ['cp', file, 'copy:/data/c'], {});
    const back = join(platform.dir, 'back');
    await check(t, platform, ['cp', 'copy:/data/c', back], {});
    t.equal(readFileSync(back, 'utf8'), 'copied\n');
    await check(t, platform, ['cp', 'copy:/no/such', back], { code: 1, err: /Could not find the file \/no\/such in container copy/ });
    await check(t, platform, ['rm', 'copy'], {});
    await check(t, platform, ['volume', 'rm', 'copied'], {});
  });
}

async function logs(t: Test, platform: Platform): Promise<void> {
  await t.test('logs', async (t) => {
    await check(
      t,
      platform,
      ['run', '--name', 'talker', '--network', 'none', 'busybox', 'sh', '-c', 'echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three'],
      { out: 'one\nthree\n', err: /two/ },
    );
    await check(t, platform, ['logs', 'talker'], { out: 'one\nthree\n', err: /^two\n$/ });
    await check(t, platform, ['logs', '--tail', '1', 'talker'], { out: 'three\n' });
    await check(t, platform, ['logs', '-f', 'talker'], { out: 'one\nthree\n' });
    await check(t, platform, ['logs', '-t', 'talker'], { out: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one\n/ });
    await check(t, platform, ['rm', 'talker'], {});
  });
}

async function limits(t: Test, platform: Platform): Promise<void> {
  await t.test('limits', async (t) => {
    const shown = '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}';
    await check(
      t,
      platform,
      [
        'run',
        '-d',
        '--name',
        'bounded',
        '--network',
        'none',
        '-m',
        '64m',
        '--cpus',
        '0.5',
        '--pids-limit',
        '20',
        'busybox',
        'sleep',
        '1000',
      ],
      {},
    );
    await check(t, platform, ['inspect', '-f', shown, 'bounded'], { out: '67108864 500000000 20\n' });
    await check(t, platform, ['update', '-m', '128m', '--memory-swap', '256m', 'bounded'], {});
    await check(t, platform, ['inspect', '-f', '{{.HostConfig.Memory}}', 'bounded'], { out: '134217728\n' });
    await check(t, platform, ['stats', '--no-stream', '--format', '{{.PIDs}}', 'bounded'], { out: '1\n' });
    await check(t, platform, ['rm', '-f', 'bounded'], {});
    await check(t, platform, ['run', '--rm', '-m', '1m', 'busybox', 'true'], { code: 125, err: /Minimum memory limit allowed is 6MB/ });
  });
}

async function events(t: Test, platform: Platform): Promise<void> {
  await t.test('the seven events of run --rm', async (t) => {
    const since = String(Date.now() / 1000 - 0.001);
    await check(t, platform, ['run', '--rm', 'busybox', 'true'], {});
    const until = String(Date.now() / 1000 + 1);
    const { stdout } = await platform.docker(['events', '--since', since, '--until', until, '--format', '{{.Type}} {{.Action}}']);
    t.same(
      stdout.split('\n').filter((line) => line !== ''),
      [
        'container create',
        'container attach',
        'network connect',
        'container start',
        'network disconnect',
        'container die',
        'container destroy',
      ],
    );
    await check(
      t,
      platform,
      ['events', '--since', since, '--until', until, '--filter', 'event=die', '--format', '{{.Actor.Attributes.exitCode}}'],
      { out: '0\n' },
    );
  });
}

async function badInput(t: Test, platform: Platform): Promise<void> {
  await t.test('bad input is refused in words, and nothing is half made', async (t) => {
    await check(t, platform, ['run', '--rm', 'no-such-image'], { code: 125, err: /Unable to find image 'no-such-image:latest' locally/ });
    await check(t, platform, ['inspect', 'nothing'], { code: 1, err: /No such object: nothing/ });
    await check(t, platform, ['create', '--name', '-bad', 'busybox', 'true'], { code: 1, err: /Invalid container name/ });
    await check(t, platform, ['run', '--rm', '-v', 'x:relative', 'busybox', 'true'], { code: 125, err: /invalid/i });
    await check(t, platform, ['ps', '--filter', 'nonsense=1'], { code: 1, err: /invalid filter/ });
    await check(t, platform, ['pull', 'busybox'], { code: 1, err: /registry/ });
    const { stdout } = await platform.docker(['ps', '-aq']);
    t.equal(stdout, '', 'no container is left');
  });
}
