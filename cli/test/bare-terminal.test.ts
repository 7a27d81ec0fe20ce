import { type ChildProcess, spawn } from 'node:child_process';
import { childEnv, needs, type TestContext, waitFor } from '@cleat/harness';
import t from 'tap';
import { barePlatform } from './bare-platform.ts';

/** A program on a terminal of its own (script(1)), and somebody who types. */
class Typist {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  #shown = '';

  constructor(t: TestContext, argv: readonly string[]) {
    const command = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const script = `stty rows 33 columns 101; exec ${command}`;
    const options = ['--quiet', '--return', '--command', script, '/dev/null'];
    this.#child = spawn('script', options, { env: childEnv({ TERM: 'xterm' }) });
    this.#exit = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#shown += chunk.toString();
    });
    t.teardown(async () => {
      this.#child.kill('SIGKILL');
      await this.#exit;
    });
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  async sees(pattern: RegExp): Promise<string> {
    try {
      return await waitFor(String(pattern), () => pattern.exec(this.#shown)?.[0]);
    } catch (cause) {
      throw new Error(`the terminal shows: ${JSON.stringify(this.#shown)}`, { cause });
    }
  }

  exitCode(): Promise<number | null> {
    return this.#exit;
  }
}

t.test('a terminal is passed through, left by its keys, and come back to', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return;
  const platform = await barePlatform(t);
  const typist = new Typist(t, platform.argv('run', '-it', '--name', 'shell', '--rootfs', platform.rootfs, '--', 'sh'));
  await typist.sees(/# /);

  await t.test('keys and output are not changed on their way', async (t) => {
    // The two parts are joined by the shell, so what is seen is its answer and not what was typed.
    typist.type('stty size; echo "an""swer"\n');
    t.ok(await typist.sees(/33 101\r\nanswer\r\n/), 'one carriage return before a line feed, as the container sent it');
    typist.type('cat\n');
    await typist.sees(/cat\r\n/);
    typist.type('marker\n');
    await typist.sees(/marker\r\nmarker\r\n/);
    typist.type('\u0003');
    typist.type('echo "interr""upted"\n');
    await typist.sees(/interrupted/);
  });

  await t.test('the keys leave it running', async (t) => {
    typist.type('\u0010\u0011');
    t.equal(await typist.exitCode(), 0);
    const state: unknown = JSON.parse((await platform.cleat(['ps', '--json'])).stdout);
    t.match(state, [{ name: 'shell', status: 'running' }]);
  });

  await t.test('who comes back ends with its exit code', async (t) => {
    const again = new Typist(t, platform.argv('attach', 'shell'));
    // An attached terminal shows nothing until something is typed; it is typed until somebody listens.
    await waitFor('an answer', async () => {
      again.type('echo "he""re"\n');
      await again.sees(/here/);
      return true;
    });
    again.type('exit 5\n');
    t.equal(await again.exitCode(), 5);
  });

  await t.test('exec has a terminal of its own', async (t) => {
    await platform.cleat(['rm', '-f', 'shell']);
    await platform.cleat(['run', '-d', '--name', 'other', '--rootfs', platform.rootfs, '--', 'sleep', '1000']);
    const exec = new Typist(t, platform.argv('exec', '-it', 'other', 'sh'));
    await exec.sees(/# /);
    exec.type('stty size; exit 3\n');
    await exec.sees(/33 101\r\n/);
    t.equal(await exec.exitCode(), 3);
    t.match(await platform.cleat(['rm', '-f', 'other']), { code: 0 });
  });
});
