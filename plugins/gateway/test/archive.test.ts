import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { needs } from '@cleat/harness';
import t from 'tap';
import { stringAt } from '../src/wire/json.ts';
import { type Api, startApi } from './api-client.ts';

needs(t, 'root');

interface Box {
  readonly api: Api;
  readonly id: string;
  readonly root: string;
}

/** A container whose view is a directory. */
async function box(t: { teardown(action: () => unknown): void }, config: object = {}): Promise<Box> {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  const root = join(api.directory, 'root');
  mkdirSync(join(root, 'dir/sub'), { recursive: true });
  writeFileSync(join(root, 'dir/file'), 'content\n');
  writeFileSync(join(root, 'dir/sub/deep'), 'deep');
  linkSync(join(root, 'dir/file'), join(root, 'dir/second'));
  chmodSync(join(root, 'dir/file'), 0o4750);
  symlinkSync('/dir', join(root, 'link'));
  symlinkSync('../../../../../../etc', join(root, 'escape'));
  api.platform.on('view.open', () => ({ view: 'v1', path: root, running: false }));
  api.platform.on('view.close', () => ({}));
  const answer = await api.call('POST', '/containers/create?name=box', { Image: 'busybox', ...config });
  return { api, id: stringAt(answer.json, 'Id'), root };
}

function download(api: Api, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: api.socket, path, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        response.statusCode === 200 ? resolve(Buffer.concat(parts)) : reject(new Error(Buffer.concat(parts).toString())),
      );
    });
    call.on('error', reject);
    call.end();
  });
}

function listed(archive: Buffer): readonly string[] {
  return execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' }).trim().split('\n');
}

function tarOf(directory: string, ...names: readonly string[]): Buffer {
  return execFileSync('tar', ['-C', directory, '-cf', '-', ...names]);
}

t.test('a path is described in the header', async (t) => {
  const { api } = await box(t);
  const head = async (path: string): Promise<unknown> => {
    const answer = await api.call('HEAD', `/containers/box/archive?path=${encodeURIComponent(path)}`);
    const header = answer.headers['x-docker-container-path-stat'];
    return typeof header === 'string' ? JSON.parse(Buffer.from(header, 'base64').toString()) : answer.status;
  };
  t.match(await head('/dir/file'), { name: 'file', size: 8, mode: 2 ** 23 + 0o750, linkTarget: '' });
  t.match(await head('dir'), { name: 'dir', mode: 2 ** 31 + 0o755 });
  t.match(await head('/link'), { name: 'link', mode: 2 ** 27 + 0o777, linkTarget: '/dir' });
  t.match(await head('/link/'), { mode: 2 ** 31 + 0o755 }, 'a slash asks for what is behind a link');
  t.match(await head('/escape'), { linkTarget: '/etc' }, 'a link stays inside');
  t.equal(await head('/nothing'), 404);
  t.equal(await head('/dir/file/'), 404, 'a file is no directory');
  t.match(await api.call('GET', '/containers/box/archive?path=/nothing'), {
    status: 404,
    json: { message: 'Could not find the file /nothing in container box' },
  });
  t.match(await api.call('GET', '/containers/box/archive'), { status: 400 });
  t.equal(api.platform.callsOf('view.open').length, api.platform.callsOf('view.close').length, 'every view was closed');
});

t.test('a directory comes with its name, a file alone, hard links as links', async (t) => {
  const { api } = await box(t);
  const directory = await download(api, '/containers/box/archive?path=/dir');
  t.same([...listed(directory)].sort(), ['dir/', 'dir/file', 'dir/second', 'dir/sub/', 'dir/sub/deep']);
  t.match(
    execFileSync('tar', ['-tvf', '-'], { input: directory, encoding: 'utf8' }),
    /-rwsr-x---.* dir\/file\n.*dir\/second link to dir\/file/,
  );
  t.same(listed(await download(api, '/containers/box/archive?path=/dir/file')), ['file']);
  t.same([...listed(await download(api, '/containers/box/archive?path=/dir/.'))].sort(), [
    './',
    './file',
    './second',
    './sub/',
    './sub/deep',
  ]);
  t.same(listed(await download(api, '/containers/box/archive?path=/link')), ['link']);
  t.same([...listed(await download(api, '/containers/box/archive?path=/link/'))].sort()[0], 'link/');
});

t.test('an upload is unpacked with owners, modes and times', async (t) => {
  const { api, root, id } = await box(t);
  const source = join(api.directory, 'source');
  mkdirSync(join(source, 'new'), { recursive: true });
  writeFileSync(join(source, 'new/a'), 'A'.repeat(200_000));
  execFileSync('chown', ['1234:5678', join(source, 'new/a')]);
  execFileSync('touch', ['-d', '2001-02-03T04:05:06Z', join(source, 'new/a'), join(source, 'new')]);
  const put = async (archive: Buffer, query: string): Promise<string> => {
    const answer = await api.call('PUT', `/containers/${id}/archive?${query}`, archive, { 'content-type': 'application/x-tar' });
    return `${answer.status} ${stringAt(answer.json, 'message')}`;
  };
  t.equal(await put(tarOf(source, 'new'), 'path=/dir'), '200 ');
  const made = lstatSync(join(root, 'dir/new/a'));
  t.match(
    { uid: made.uid, gid: made.gid, size: made.size, time: made.mtime.toISOString() },
    { uid: 1234, gid: 5678, size: 200_000, time: '2001-02-03T04:05:06.000Z' },
  );
  t.equal(lstatSync(join(root, 'dir/new')).mtime.toISOString(), '2001-02-03T04:05:06.000Z');
  t.equal(await put(gzipSync(tarOf(source, 'new')), 'path=/link/sub'), '200 ', 'gzip, and a link on the way');
  t.ok(existsSync(join(root, 'dir/sub/new/a')));
  t.match(await put(tarOf(source, 'new'), 'path=/dir/file'), /^400 extraction point is not a directory/);
  t.match(await put(tarOf(source, 'new'), 'path=/missing'), /^404 Could not find the file \/missing in container box/);
  t.match(await put(Buffer.from('x'.repeat(2048)), 'path=/dir'), /^400 the body is not a tar archive/);
});

t.test('files and directories do not replace each other when told not to', async (t) => {
  const { api, root, id } = await box(t);
  const source = join(api.directory, 'source');
  mkdirSync(join(source, 'file'), { recursive: true });
  writeFileSync(join(source, 'sub'), 'now a file');
  const put = async (name: string, query: string): Promise<string> => {
    const answer = await api.call('PUT', `/containers/${id}/archive?path=/dir${query}`, tarOf(source, name));
    return `${answer.status} ${stringAt(answer.json, 'message')}`;
  };
  t.equal(await put('file', '&noOverwriteDirNonDir=1'), '400 cannot overwrite non-directory "/dir/file" with directory "file"');
  t.equal(await put('sub', '&noOverwriteDirNonDir=1'), '400 cannot overwrite directory "/dir/sub" with non-directory "sub"');
  t.equal(readFileSync(join(root, 'dir/file'), 'utf8'), 'content\n');
  t.equal(await put('sub', ''), '200 ');
  t.equal(readFileSync(join(root, 'dir/sub'), 'utf8'), 'now a file');
});

t.test('an archive cannot reach out of the container', async (t) => {
  const { api, root, id } = await box(t);
  const outside = join(api.directory, 'outside');
  mkdirSync(outside);
  const source = join(api.directory, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'evil'), 'evil');
  const climbing = execFileSync('tar', ['-C', source, '--transform', 's,^,../../outside/,', '-P', '-cf', '-', 'evil']);
  t.match(await api.call('PUT', `/containers/${id}/archive?path=/`, climbing), { status: 400, json: { message: /is outside of/ } });
  // A link to the outside, then a file through it: it lands inside.
  const links = join(api.directory, 'links');
  mkdirSync(links);
  symlinkSync(outside, join(links, 'door'));
  const first = tarOf(links, 'door');
  mkdirSync(join(source, 'door'));
  writeFileSync(join(source, 'door/evil'), 'evil');
  const second = tarOf(source, 'door/evil');
  t.equal((await api.call('PUT', `/containers/${id}/archive?path=/`, first)).status, 200);
  t.equal(readlinkSync(join(root, 'door')), outside);
  t.not((await api.call('PUT', `/containers/${id}/archive?path=/`, second)).status, 500);
  t.notOk(existsSync(join(outside, 'evil')));
  t.equal((await api.call('PUT', `/containers/${id}/archive?path=/escape`, second)).status, 404);
});

t.test('nothing is put where the container may not write', async (t) => {
  const { api, id } = await box(t, { HostConfig: { ReadonlyRootfs: true, Binds: ['vol:/dir/sub'] } });
  t.match(await api.call('PUT', `/containers/${id}/archive?path=/dir`, Buffer.alloc(1024)), {
    status: 403,
    json: { message: 'container rootfs is marked read-only' },
  });
  t.equal(
    (await api.call('PUT', `/containers/${id}/archive?path=/dir/sub`, Buffer.alloc(1024))).status,
    200,
    'a volume is writable all the same',
  );
});

t.test('export sends the root file system', async (t) => {
  const { api } = await box(t);
  const names = listed(await download(api, '/containers/box/export'));
  t.ok(names.includes('dir/sub/deep'));
  t.notOk(names.some((name) => name.startsWith('/') || name === './'));
  t.match(api.platform.callsOf('view.open').at(-1)?.request, { scope: 'root' });
});
