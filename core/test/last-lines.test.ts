import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@cleat/harness';
import t from 'tap';
import { lastLines } from '../src/files/index.ts';

t.test('the last lines of a file, also of one that is large', async (t) => {
  const dir = tempDir(t, 'cleat-lines-');
  const path = join(dir, 'log');
  t.same(await lastLines(path, 3), [], 'it is not there');
  writeFileSync(path, 'one\ntwo\n\nthree\n');
  t.same(await lastLines(path, 2), ['two', 'three']);
  t.same(await lastLines(path, 9), ['one', 'two', 'three']);
  writeFileSync(path, Array.from({ length: 200_000 }, (_, index) => `line ${index} of very many that follow\n`).join(''));
  t.same(await lastLines(path, 1), ['line 199999 of very many that follow']);
  const all = await lastLines(path, 1_000_000);
  t.ok(all.length < 200_000 && all.length > 10_000, 'no more than its end');
  t.match(all[0], /^line \d+ of very many that follow$/, 'and no line is cut');
});
