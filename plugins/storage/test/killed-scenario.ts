/*
 * A program for kill.test.ts: the life of some volumes, killed (SIGKILL) around the n-th record of the two journals.
 * Arguments: state directory, directory of the host that one volume shows, that of a driver, "before-write:n" or "after-write:n". Prints
 * what it was told by publish, and how many records there were when it comes to its end.
 */
import { join } from 'node:path';
import { type JournalOptions, TaskGroup } from '@cleat/sdk';
import { DriverLedger } from '@cleat/sdk/drivers';
import { Journal, TestLog } from '@cleat/sdk/testing';
import { openStorage } from '../src/storage.ts';
import { FakeDriver, FakeDrivers } from './fake-drivers.ts';
import { attachRequest, BOOT, CALL, reference, reserveRequest } from './storage-lab.ts';

const [stateDir = '', device = '', driverDir = '', fault = ''] = process.argv.slice(2);
let records = 0;

function openJournal(options: Partial<JournalOptions>): Promise<Journal> {
  return Promise.resolve(
    Journal.open({
      ...options,
      dir: join(stateDir, options.dir ?? 'journal'),
      reserveBytes: 0,
      onFault: (point) => {
        if (point === 'before-write') records += 1;
        if (fault === `${point}:${records}`) process.kill(process.pid, 'SIGKILL');
      },
    }),
  );
}

const drivers = new FakeDrivers({ array: new FakeDriver(driverDir) });
const log = new TestLog();
const tasks = new TaskGroup({ logger: log });
const ledger = await DriverLedger.open({ kind: 'volume', context: { drivers, bootId: BOOT, log, tasks, openJournal } });
const { provider, service } = await openStorage({
  stateDir,
  signal: CALL.signal,
  openJournal: (replay) => openJournal({ replay }),
  ledger,
  isDriver: (name) => name === 'array',
  publish: (event) => {
    process.stdout.write(`told ${event.type} ${event.subject}\n`);
    return Promise.resolve();
  },
  warn: (message, fields) => process.stdout.write(`warned ${message} ${JSON.stringify(fields)}\n`),
  spawn: (_name, task) => void task(CALL.signal),
});

const CLAIMS = ['volume-1', 'volume-2', 'volume-3', 'volume-4'];
await service.create({ name: 'bnd', driver: 'local', labels: {}, options: { type: 'none', device, o: 'bind' } }, CALL);
await provider.reserve(reserveRequest({ name: 'bnd', target: '/b', subpath: 'sub' }), CALL);
await provider.reserve(reserveRequest({ target: '/anonymous' }, 'volume-2'), CALL);
await provider.reserve(reserveRequest({ name: 'named', target: '/n' }, 'volume-3'), CALL);
await provider.reserve(reserveRequest({ target: '/a', driver: 'array' }, 'volume-4'), CALL);
for (const claim of CLAIMS) await provider.attach(attachRequest(claim), CALL);
for (const claim of CLAIMS.toReversed()) await provider.detach({ reference: reference(claim) }, CALL);
for (const claim of CLAIMS) await provider.release({ reference: reference(claim), purge: true }, CALL);
await service.remove({ name: 'bnd', force: false }, CALL);
process.stdout.write(`records ${records}\n`);
