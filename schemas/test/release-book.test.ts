import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess, type TestContext, tempDir } from '@cleat/harness';
import t from 'tap';
import { goldenOf } from '../src/generator/golden.ts';
import { readContracts } from '../src/generator/protocol.ts';
import { goldenPath, ReleaseBook, releasedPath } from '../src/generator/release-book.ts';

const home = join(import.meta.dirname, '../..');

/** A copy of the contracts, with everything in it released. */
async function releasedCopy(t: TestContext): Promise<string> {
  const dir = tempDir(t);
  for (const name of ['contracts', 'released', 'golden']) cpSync(join(home, name), join(dir, name), { recursive: true });
  const { stdout } = await run('release', dir);
  for (const path of [releasedPath('volume', '1.0'), goldenPath('volume', '1.0')]) {
    if (!stdout.includes(`released ${path}\n`)) t.fail(`${path} was not released`, { stdout });
  }
  return dir;
}

function run(program: 'check' | 'release', dir: string) {
  return runProcess(['node', join(home, 'dist/src/generator', `${program}.js`), dir], { allowExit: 'any' });
}

function change(path: string, from: string, to: string): void {
  const text = readFileSync(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${path} does not hold ${from}`);
  writeFileSync(path, text.replace(from, to));
}

async function contractIn(dir: string, name: string) {
  const file = (await readContracts(join(dir, 'contracts'))).find(({ contract }) => contract === name);
  if (file === undefined) throw new Error(`no contract ${name}`);
  return file;
}

t.test('the contracts fit every released version', async (t) => {
  const { code, stdout, stderr } = await run('check', home);
  t.equal(code, 0, stdout);
  t.match(stderr, /^1\d contracts, \d+ versions/);
});

t.test('an incompatible change of a released contract fails the check', async (t) => {
  const dir = await releasedCopy(t);
  t.equal((await run('check', dir)).code, 0);
  change(join(dir, 'contracts/volume.avdl'), 'record NameRequest { string name; }', 'record NameRequest { string name; string zone; }');
  const { code, stdout } = await run('check', dir);
  t.equal(code, 1);
  t.match(stdout, /volume@1\.0 -> volume@1\.1: cleat\.volume\.v1\.NameRequest\.zone is new and has no default/);
});

t.test('a released file that was changed by hand fails the check', async (t) => {
  const dir = await releasedCopy(t);
  for (const path of [releasedPath('volume', '1.0'), goldenPath('volume', '1.0')]) {
    change(join(dir, path), 'cleat.volume.v1', 'cleat.volume.v9');
    t.match((await run('check', dir)).stdout, new RegExp(`${path} is released and may not change`));
  }
});

t.test('a compatible change is the next version, and leaves the released one as it is', async (t) => {
  const dir = await releasedCopy(t);
  change(
    join(dir, 'contracts/volume.avdl'),
    'record NameRequest { string name; }',
    'record NameRequest { string name; string zone = ""; }',
  );
  const head = await contractIn(dir, 'volume');
  const book = new ReleaseBook(dir);
  t.equal(book.headVersion(head), '1.1');
  t.equal(book.headVersion(await contractIn(dir, 'network')), '1.0', 'the others stay');
  book.write(releasedPath('volume', '1.0'), 'nothing');
  t.not(readFileSync(join(dir, releasedPath('volume', '1.0')), 'utf8'), 'nothing');
  book.write(releasedPath('volume', '1.1'), JSON.stringify(head.protocol));
  book.write(goldenPath('volume', '1.1'), JSON.stringify(goldenOf(head)));
  t.equal((await run('check', dir)).code, 0);
  t.same(new ReleaseBook(dir).freeze(), [releasedPath('volume', '1.1'), goldenPath('volume', '1.1')]);
});

t.test('another doc is no new version', async (t) => {
  const dir = await releasedCopy(t);
  change(join(dir, 'contracts/volume.avdl'), 'JSON text of the driver.', 'What the driver says of it, as JSON.');
  t.equal(new ReleaseBook(dir).headVersion(await contractIn(dir, 'volume')), '1.0');
});

t.test('a version that is neither released nor the next one fails the check', async (t) => {
  const dir = await releasedCopy(t);
  cpSync(join(dir, releasedPath('volume', '1.0')), join(dir, releasedPath('volume', '1.7')));
  t.match((await run('check', dir)).stdout, /released\/volume\/1\.7\.json is neither released nor/);
});
