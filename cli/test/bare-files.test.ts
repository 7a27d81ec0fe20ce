import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@cleat/harness';
import t from 'tap';
import { testPlatform } from './test-platform.ts';

t.test('files are copied from a container and into one', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return;
  const { cleat, rootfs, directory } = await testPlatform(t);
  const site = join(directory, 'site');
  const here = (name: string): string => join(directory, name);
  mkdirSync(join(site, 'sub'), { recursive: true });
  writeFileSync(join(site, 'index.html'), 'hello');
  writeFileSync(join(site, 'sub/deep'), 'deep');
  symlinkSync('/etc/passwd', join(site, 'link'));
  await cleat(['run', '-d', '--name', 'web', '--rootfs', rootfs, '--', 'sleep', '1000']);
  const listed = async (path: string): Promise<string> => (await cleat(['exec', 'web', 'ls', path])).stdout;

  t.match(await cleat(['cp', site, 'web:/tmp']), { code: 0, stderr: '' });
  t.equal(await listed('/tmp/site'), 'index.html\nlink\nsub\n', 'into a directory that is there');
  t.match(await cleat(['cp', site, 'web:/other']), { code: 0 });
  t.equal(await listed('/other/sub'), 'deep\n', 'under another name');
  mkdirSync(here('out'));
  t.match(await cleat(['cp', 'web:/other/.', here('out')]), { code: 0 });
  t.equal(readFileSync(here('out/sub/deep'), 'utf8'), 'deep', 'what is in it');
  t.ok(lstatSync(here('out/link')).isSymbolicLink());
  t.match(await cleat(['cp', '-L', 'web:/other/link', here('passwd')]), { code: 0 });
  t.match(readFileSync(here('passwd'), 'utf8'), /^root:/, "the container's own");

  const tar = await cleat(['cp', 'web:/other', '-']);
  t.match(tar.stdout, 'other/index.html');
  t.match(await cleat(['cp', join(site, 'index.html'), 'web:/no/where']), { code: 1, stderr: /no directory/ });
  t.match(await cleat(['cp', 'web:/nothing', directory]), { code: 1, stderr: /there is no web:\/nothing/ });
  t.match(await cleat(['cp', site, directory]), { code: 2, stderr: /CONTAINER:PATH/ });

  await cleat(['exec', 'web', 'ln', '-s', here('planted'), '/trap']);
  await cleat(['exec', 'web', 'ln', '-s', directory, '/way']);
  t.match(await cleat(['cp', join(site, 'index.html'), 'web:/trap']), { code: 1 });
  t.match(await cleat(['cp', join(site, 'index.html'), 'web:/way/planted']), { code: 1 });
  t.notOk(existsSync(here('planted')), 'no link leads out of the container');

  await cleat(['kill', '-s', 'KILL', 'web']);
  await cleat(['wait', 'web']);
  t.match(await cleat(['cp', 'web:/other/index.html', here('stopped')]), { code: 0 }, 'one that does not run');
  t.equal(readFileSync(here('stopped'), 'utf8'), 'hello');
  await cleat(['rm', 'web']);
});
