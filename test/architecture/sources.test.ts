import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess } from '@cleat/harness';
import t from 'tap';
import { repository } from './planted-project.ts';

/** Put together, so that this file does not find itself. */
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'not implemented ' + 'yet'].join('|')})\\b`);

/** Reads the test protocol, which has a directive of such a name. */
const READER = 'build/tests/tap-reader.mjs';

async function trackedFiles(): Promise<readonly string[]> {
  const { stdout } = await runProcess(['git', 'ls-files', '-z'], { cwd: repository });
  return stdout.split('\0').filter((path) => path !== '' && existsSync(join(repository, path)));
}

t.test('nothing that is built is tracked', async (t) => {
  const files = await trackedFiles();
  t.ok(files.length > 200);
  t.same(
    files.filter((path) => /(^|\/)(dist|node_modules|\.tap|coverage)\//.test(path) || path.endsWith('.tsbuildinfo')),
    [],
  );
});

t.test('no source is marked as unfinished', async (t) => {
  const sources = (await trackedFiles()).filter((path) => /\.(ts|mjs|py|sh|avdl)$/.test(path) || path.startsWith('bin/'));
  t.ok(sources.length > 100);
  t.same(
    sources.filter((path) => path !== READER && UNFINISHED.test(readFileSync(join(repository, path), 'utf8'))),
    [],
  );
  t.match(`// ${'TO' + 'DO'}: later`, UNFINISHED);
});

t.test('the lock file records no address of a registry', async (t) => {
  const text = readFileSync(join(repository, 'package-lock.json'), 'utf8');
  t.ok(text.length > 10_000);
  t.notMatch(text, /"resolved": "https?:/);
});

t.test('every package is licensed, private, and has the version of the project', async (t) => {
  const manifests = (await trackedFiles()).filter((path) => /(^|\/)package\.json$/.test(path));
  t.ok(manifests.length >= 13);
  for (const path of manifests.filter((name) => !/^(examples|sdk\/templates)\//.test(name))) {
    const manifest: unknown = JSON.parse(readFileSync(join(repository, path), 'utf8'));
    t.match(manifest, { version: '0.1.0', license: 'Apache-2.0', private: true, type: 'module' }, path);
  }
});
