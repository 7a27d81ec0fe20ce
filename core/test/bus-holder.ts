/** Starts a bus in the directory that is given, says the server's pid, and stays until it is killed. */
import { PrivateBus } from '../src/bus/index.ts';
import { Deadline } from '../src/deadlines/index.ts';
import { MemoryLog } from './bus-fixture.ts';

const dir = process.argv[2] ?? '';
const bus = await PrivateBus.start({ dir, log: new MemoryLog(), path: process.env['PATH'] }, Deadline.after(5_000));
process.stdout.write(`${bus.serverPid}\n`);
