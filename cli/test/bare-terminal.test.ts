import { type ChildProcess, spawn } from 'node:child_process';
import { childEnv, needs, type TestContext, waitFor } from '@cleat/harness';
import t from 'tap';
import { testPlatform } from './test-platform.ts';

/** A program on a terminal of its own (script(1)), and somebody who types. */
class Typist {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  #shown = '';
  #seen = 0;

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

  /** Waits for something after what was seen last. A shell drops what is typed before its prompt, so that has to be waited for as well. */
  async sees(pattern: RegExp): Promise<void> {
    const look = (): boolean => {
      const match = pattern.exec(this.#shown.slice(this.#seen));
      if (match !== null) this.#seen += match.index + match[0].length;
      return match !== null;
    };
    try {
      await waitFor(String(pattern), look);
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
  const platform = await testPlatform(t);
  const typist = new Typist(t, platform.argv('run', '-it', '--name', 'shell', '--rootfs', platform.rootfs, '--', 'sh'));
  await typist.sees(/# /);

  await t.test('keys and output are not changed on their way', async (t) => {
    // The two parts are joined by the shell, so what is seen is its answer and not what was typed.
    typist.type('stty size; echo "an""swer"\n');
    // As the container sent it: one carriage return before a line feed.
    await typist.sees(/33 101\r\nanswer\r\n/);
    await typist.sees(/# /);
    typist.type('echo "star""ted"; cat\n');
    await typist.sees(/started\r\n/);
    typist.type('\u0003');
    await typist.sees(/# /);
    typist.type('echo "co""de $?"\n');
    await typist.sees(/code 130\r\n/);
    await typist.sees(/# /);
    t.pass('the program in the container was interrupted, and nothing else');
  });

  await t.test('the keys leave it running', async (t) => {
    typist.type('\u0010\u0011');
    t.equal(await typist.exitCode(), 0);
    const state: unknown = JSON.parse((await platform.cleat(['ps', '--json'])).stdout);
    t.match(state, [{ name: 'shell', status: 'running' }]);
  });

  await t.test('who comes back ends with its exit code', async (t) => {
    const again = new Typist(t, platform.argv('attach', 'shell'));
    again.type('echo "he""re"\n');
    await again.sees(/here\r\n/);
    await again.sees(/# /);
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
