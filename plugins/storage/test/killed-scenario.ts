/*
 * A program for kill.test.ts: the life of some volumes, killed (SIGKILL) around the n-th record of the journal.
 * Arguments: state directory, directory of the host that one volume shows, "before-write:n" or "after-write:n". Prints what it was told by
 * publish, and how many records there were when it comes to its end.
 */
import { join } from 'node:path';
import { Journal } from '@cleat/sdk/testing';
import { openStorage } from '../src/storage.ts';
import { attachRequest, BOOT, CALL, reference, reserveRequest } from './storage-lab.ts';

const [stateDir = '', device = '', fault = ''] = process.argv.slice(2);
let records = 0;

const { provider, service } = await openStorage({
  stateDir,
  bootId: BOOT,
  signal: CALL.signal,
  openJournal: (replay) =>
    Promise.resolve(
      Journal.open({
        dir: join(stateDir, 'journal'),
        reserveBytes: 0,
        replay,
        onFault: (point) => {
          if (point === 'before-write') records += 1;
          if (fault === `${point}:${records}`) process.kill(process.pid, 'SIGKILL');
        },
      }),
    ),
  publish: (event) => {
    process.stdout.write(`told ${event.type} ${event.subject}\n`);
    return Promise.resolve();
  },
  warn: (message, fields) => process.stdout.write(`warned ${message} ${JSON.stringify(fields)}\n`),
  spawn: (_name, task) => void task(CALL.signal),
  pluginDriver: () => undefined,
});

await service.create({ name: 'bnd', driver: 'local', labels: {}, options: { type: 'none', device, o: 'bind' } }, CALL);
await provider.reserve(reserveRequest({ name: 'bnd', target: '/b', subpath: 'sub' }), CALL);
await provider.reserve(reserveRequest({ target: '/anonymous' }, 'volume-2'), CALL);
await provider.reserve(reserveRequest({ name: 'named', target: '/n' }, 'volume-3'), CALL);
for (const claim of ['volume-1', 'volume-2', 'volume-3']) await provider.attach(attachRequest(claim), CALL);
for (const claim of ['volume-3', 'volume-2', 'volume-1']) await provider.detach({ reference: reference(claim) }, CALL);
for (const claim of ['volume-1', 'volume-2', 'volume-3']) {
  await provider.release({ reference: reference(claim), purge: true }, CALL);
}
await service.remove({ name: 'bnd', force: false }, CALL);
process.stdout.write(`records ${records}\n`);
