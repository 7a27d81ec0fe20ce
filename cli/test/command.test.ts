import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunResult, runProcess, tempDir } from '@cleat/harness';
import t from 'tap';
import { dispatch, helpText } from '../src/command/dispatch.ts';
import { COMMANDS } from '../src/commands/index.ts';
import { allPaths } from '../src/docs/reference.ts';
import { MAIN } from './test-platform.ts';

function cleat(...args: readonly string[]): Promise<RunResult> {
  return runProcess([process.execPath, MAIN, ...args], { allowExit: 'any', env: { NO_COLOR: undefined, CLEAT_RUN_DIR: undefined } });
}

t.test('a wrong command line ends with 2, and says where to look', async (t) => {
  t.match(await cleat('nope'), { code: 2, stdout: '', stderr: 'cleat: there is no command "nope"\nSee "cleat help".\n' });
  t.match(await cleat('stpo', 'x'), { code: 2 });
  t.match(await cleat('stap', 'x'), { code: 2, stderr: /Did you mean "cleat stop"\?/ });
  t.match(await cleat('ps', '--nope'), { code: 2, stderr: 'cleat: unknown flag --nope\nSee "cleat help ps".\n' });
  t.match(await cleat('stop'), { code: 2, stderr: /something is missing: cleat stop \[flags\] CONTAINER/ });
  t.match(await cleat('rename', 'a', 'b', 'c'), { code: 2, stderr: /"c" is too much/ });
  t.match(await cleat('--json', 'stop', 'x'), { code: 2, stderr: /cleat stop does not answer in JSON/ });
  t.match(await cleat('up', '--nope'), { code: 2 });
});

t.test('run and exec have 125 for whatever is not the command itself', async (t) => {
  const runDir = ['--run-dir', tempDir(t)];
  t.match(await cleat('run', '--nope', 'x'), { code: 125, stderr: /unknown flag --nope/ });
  t.match(await cleat('run'), { code: 125, stderr: /which image\?/ });
  t.match(await cleat('exec', '--detach-keys', 'ctrl-1', 'x', 'ls'), { code: 125, stderr: /^cleat: --detach-keys: "ctrl-1" is no key/ });
  t.match(await cleat(...runDir, 'run', 'busybox'), { code: 125, stderr: /no node of Cleat answers/ });
  t.match(await cleat(...runDir, 'exec', 'web', 'ls'), { code: 125 });
});

t.test('a platform that is not up is told in one sentence and a hint', async (t) => {
  const runDir = join(tempDir(t), 'run');
  const { code, stdout, stderr } = await cleat('--run-dir', runDir, 'ps');
  t.equal(code, 1);
  t.equal(stdout, '');
  t.match(stderr, new RegExp(`^cleat: no node of Cleat answers in ${runDir}\n.*cleat up.*\n$`));
});

t.test('help comes for every way to ask for it, without colour when it is not a terminal', async (t) => {
  const pages = await Promise.all([cleat('help', 'run'), cleat('run', '--help'), cleat('--help', 'run')]);
  for (const { code, stdout } of pages) {
    t.equal(code, 0);
    t.match(stdout, /^Usage: cleat run \[flags\] IMAGE/);
    t.notMatch(stdout, '\u001b');
  }
  t.match(await cleat(), { code: 0, stdout: /^Usage: cleat COMMAND/ });
  t.match(await cleat('image'), { code: 0, stdout: /^Usage: cleat image COMMAND/ });
  t.match(await cleat('help', 'image', 'import'), { code: 0, stdout: /^Usage: cleat image import/ });
  t.match(await cleat('help', 'exit-codes'), { code: 0, stdout: /^Exit codes/ });
  t.match(await cleat('help', 'up'), { code: 0, stdout: /^Usage: cleat up/ });
  t.match(await cleat('run', '-h'), { code: 125 }, 'for run -h is the host name');
});

t.test('every command answers --help and -h with its page of help', async (t) => {
  const paths = await allPaths(COMMANDS, []);
  t.ok(paths.length > 50);
  for (const path of paths) {
    // For run, -h is the host name.
    for (const flag of path.join(' ') === 'run' ? ['--help'] : ['--help', '-h']) {
      const written = t.capture(process.stdout, 'write', () => true);
      const code = await dispatch([...path, flag], { NO_COLOR: '1' }).finally(() => written.restore());
      const shown = written().map(({ args }) => String(args[0]));
      t.equal(code, 0, `${path.join(' ')} ${flag}`);
      t.equal(shown.join(''), await helpText(path, { bold: (text) => text }), `${path.join(' ')} ${flag}`);
    }
  }
  t.match(await cleat('up', '--state-dir', '/nowhere', '--help'), { code: 0, stdout: /^Usage: cleat up/, stderr: '' });
});

t.test('--version loads nothing and asks nobody', async (t) => {
  t.match(await cleat('--version'), { code: 0, stdout: /^cleat \d+\.\d+\.\d+\n$/, stderr: '' });
});

t.test('a reader that goes away ends the command as it would end any other', async (t) => {
  const child = spawn(process.execPath, [MAIN, 'help', 'run'], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.destroy();
  const code = await new Promise((resolve) => child.once('exit', resolve));
  t.ok(code === 141 || code === 0, `it ended with ${String(code)}`);
});

t.test('operations of contracts are listed without a platform', async (t) => {
  const { stdout } = await cleat('call', '--list', 'node');
  t.equal(stdout, 'node info\nnode shutdown\n');
  t.match(await cleat('call', '--list', 'nope'), { code: 2 });
  t.match(await cleat('call', 'container', 'inspect', '{'), { code: 2, stderr: /no JSON/ });
  t.match(await cleat('call', 'container', 'inspect', '{"x": 1}'), { code: 2, stderr: /no field x/ });
});

t.test('a new plugin is written where it is asked for, and nowhere else', async (t) => {
  const directory = join(tempDir(t), 'mine');
  const made = await cleat('plugin', 'new', 'mine', '--kind', 'volume-driver', '-d', directory);
  t.match(made, { code: 0, stdout: `${directory}\n`, stderr: /Next: cd .* && npm test/ });
  t.match(readFileSync(join(directory, 'manifest.json'), 'utf8'), /"name": "mine"/);
  t.match(await cleat('plugin', 'new', 'mine', '--kind', 'authz', '-d', directory), { code: 1, stderr: /not empty/ });
  t.match(await cleat('plugin', 'new', 'x', '--kind', 'nope'), { code: 2, stderr: /--kind nope: not one of/ });
  t.match(await cleat('plugin', 'new', 'x'), { code: 2, stderr: /which kind/ });
  t.match(await cleat('plugin', 'new', 'No Name', '--kind', 'authz', '-d', join(directory, 'x')), { code: 1 });
});
