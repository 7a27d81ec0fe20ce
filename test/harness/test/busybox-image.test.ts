import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeBusyboxRootfs, makeImportTar, makeLoadTar, needs, runProcess, tempDir } from '../src/index.ts';

t.test('the root file system starts a shell', async (t) => {
  if (!needs(t, 'root', 'busybox')) return;
  const dir = makeBusyboxRootfs(join(tempDir(t), 'rootfs'));
  const { stdout } = await runProcess(['chroot', dir, '/bin/sh', '-c', 'id -un && ls -d /www']);
  t.equal(stdout, 'root\n/www\n');
});

t.test('two tars of the same busybox are the same', async (t) => {
  if (!needs(t, 'busybox')) return;
  const dir = tempDir(t);
  const first = readFileSync(makeImportTar(join(dir, 'a.tar')));
  const second = readFileSync(makeImportTar(join(dir, 'b.tar')));
  t.ok(first.length > 500_000);
  t.ok(first.equals(second));
  t.notOk(existsSync(join(dir, 'a.tar.rootfs')));
});

t.test('the tar to load holds a manifest that names its config and layer', async (t) => {
  if (!needs(t, 'busybox')) return;
  const dir = tempDir(t);
  const file = join(dir, 'image.tar');
  const id = makeLoadTar(file, { name: 'web:1', cmd: ['httpd'] });
  const { stdout } = await runProcess(['tar', '-xOf', file, './manifest.json']);
  t.same(JSON.parse(stdout), [{ Config: `${id.slice(7)}.json`, RepoTags: ['web:1'], Layers: ['layer.tar'] }]);
});
