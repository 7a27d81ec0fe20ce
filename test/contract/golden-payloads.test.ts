import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { needs, runProcess, tempDir } from '@cleat/harness';
import t from 'tap';

const repository = resolve(import.meta.dirname, '../../..');
const released = join(repository, 'schemas/released');
const golden = join(repository, 'schemas/golden');

function decode(goldenFolder: string) {
  return runProcess(['python3', join(repository, 'test/contract/avro_decoder.py'), released, goldenFolder], { allowExit: 'any' });
}

t.test('a decoder made from the published schemas alone reads every golden payload', async (t) => {
  if (!needs(t, 'python3')) return;
  const { code, stdout } = await decode(golden);
  t.equal(code, 0, stdout);
  t.ok(Number(/(\d+) payloads/.exec(stdout)?.[1]) > 200, stdout);
});

t.test('that decoder sees a payload that says something else', async (t) => {
  if (!needs(t, 'python3')) return;
  const folder = tempDir(t);
  cpSync(golden, folder, { recursive: true });
  const path = join(folder, 'volume/1.0.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"local"', '"global"'));
  const { code, stdout } = await decode(folder);
  t.equal(code, 1);
  t.match(stdout, /cleat\.volume\.v1\.Info is .*"driver": "local".*, not .*"driver": "global"/);
});
