import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { tempDir } from '@cleat/harness';
import { CleatError, type container, type log } from '@cleat/schemas';
import type { Call } from '@cleat/sdk';
import t from 'tap';
import { LogService } from '../src/handlers/log-service.ts';
import { LogDrivers } from '../src/log-drivers.ts';
import { LogWatches } from '../src/reader/log-watches.ts';
import { CONTAINER, FakeEvents, FakeSpool } from './log-lab.ts';

type Spec = Pick<container.Info['spec'], 'labels'> & { readonly process: { readonly env: readonly string[] } };

interface Lab {
  readonly spool: FakeSpool;
  readonly service: LogService;
  read(request?: Partial<log.ReadRequest>): Promise<string>;
}

function openLab(t: Parameters<typeof tempDir>[0], status: object | undefined, spec: Spec = { labels: {}, process: { env: [] } }): Lab {
  const directory = tempDir(t);
  const spool = new FakeSpool(join(directory, 'logs'));
  const info = {
    id: CONTAINER,
    name: 'web',
    spec,
    attributes: { image: 'busybox:latest' },
    paths: { logs: spool.directory },
    claims: [
      { claim: { name: 'root', kind: 'root' }, status: JSON.stringify({ image: `sha256:${'1'.repeat(64)}` }) },
      ...(status === undefined ? [] : [{ claim: { name: 'log', kind: 'log' }, status: JSON.stringify(status) }]),
    ],
  };
  const call = (contract: string, operation: string, request: { readonly container: string }): Promise<unknown> => {
    if (![CONTAINER, 'web'].includes(request.container)) {
      return Promise.reject(new CleatError('not_found', 'CONTAINER_NOT_FOUND', 'No such container: nope'));
    }
    if (contract === 'logdata' && request.container !== CONTAINER) return Promise.reject(new Error('asked by a name that may change'));
    return contract === 'logdata' ? spool.list() : Promise.resolve(operation === 'inspect' ? info : undefined);
  };
  let handler: ((socket: Socket) => void | Promise<void>) | undefined;
  const path = join(directory, 'socket');
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => void handler?.(socket));
  server.listen(path);
  t.teardown(() => server.close());
  const service = new LogService({
    call: call as Call,
    offerStream: (offered) => {
      handler = offered;
      return Promise.resolve({ socket: path, token: 'token' });
    },
    drivers: new LogDrivers({ driver: 'json-file', options: {} }, () => []),
    watches: new LogWatches({ subscribe: new FakeEvents().subscribe, warn: () => undefined }),
    signal: new AbortController().signal,
  });
  const read = async (request: Partial<log.ReadRequest> = {}): Promise<string> => {
    const all = {
      container: CONTAINER,
      stdout: true,
      stderr: true,
      follow: false,
      timestamps: false,
      details: false,
      since: 0n,
      until: 0n,
      tail: -1,
      frames: false,
    };
    const { signal } = new AbortController();
    const ticket = await service.read({ ...all, ...request }, { signal, deadline: undefined as never });
    const chunks: Buffer[] = [];
    for await (const chunk of connect({ path: ticket.socket })) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };
  return { spool, service, read };
}

t.test('a log is read by name or id, and one that is not there is not found', async (t) => {
  const lab = openLab(t, { driver: 'json-file', options: {} });
  lab.spool.write('stdout', 'hello\n');
  t.equal(await lab.read(), 'hello\n');
  t.equal(await lab.read({ container: 'web' }), 'hello\n');
  await t.rejects(lab.read({ container: 'nope' }), { code: 'CONTAINER_NOT_FOUND' });
});

t.test('a container without a log says that it has none', async (t) => {
  const lab = openLab(t, undefined);
  await t.rejects(lab.read(), { code: 'LOG_UNREADABLE', message: 'configured logging driver does not support reading' });
});

t.test('details are what the options name, sorted and escaped as in Docker', async (t) => {
  const options = { labels: 'a,b,missing', 'env-regex': '^X', tag: '{{.Name}}/{{.ID}} {{.ImageName}}' };
  const spec = { labels: { a: '1', b: 'x y&=é', c: '3' }, process: { env: ['X=1', 'PATH=/bin', 'XY=a=b'] } };
  const lab = openLab(t, { driver: 'json-file', options }, spec);
  lab.spool.write('stdout', 'hello\n');
  t.equal(await lab.read({ details: true }), `X=1,XY=a%3Db,a=1,b=x+y%26%3D%C3%A9,tag=web%2F${'c'.repeat(12)}+busybox%3Alatest hello\n`);
  t.match(await lab.read({ details: true, timestamps: true }), /^\S+Z X=1,\S+ hello\n$/);
});

t.test('details of a log without any are a blank, as in Docker', async (t) => {
  const lab = openLab(t, { driver: 'json-file', options: {} });
  lab.spool.write('stdout', 'hello\n');
  t.equal(await lab.read({ details: true }), ' hello\n');
});

t.test('the drivers are listed with the default of the node', async (t) => {
  const lab = openLab(t, undefined);
  t.strictSame(await lab.service.drivers(), {
    drivers: [
      { name: 'json-file', readable: true },
      { name: 'local', readable: true },
      { name: 'none', readable: false },
    ],
    defaultDriver: 'json-file',
  });
});
