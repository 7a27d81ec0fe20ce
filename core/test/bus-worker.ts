/**
 * A participant in a process of its own: `bus-worker.js CREDENTIALS URL-FILE NAME EFFECTS [FORWARD]`. It serves the address NAME:
 * each operation takes as many milliseconds as its body says; the effect, its operation id, is a line in EFFECTS. With FORWARD it
 * passes the operation on to that address instead.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { BusCallee, BusCaller, BusConnection, type CallHandler, decodeCredentials } from '../src/bus/index.ts';
import { Deadline, sleep } from '../src/deadlines/index.ts';
import { decodeError, encodeError, MemoryLog } from './bus-fixture.ts';

const [credentialsFile = '', urlFile = '', name = '', effects = '', forward] = process.argv.slice(2);
const credentials = decodeCredentials(readFileSync(credentialsFile, 'utf8'));
const url = (): string => readFileSync(urlFile, 'utf8').trim();
const log = new MemoryLog();
const deadline = Deadline.after(10_000);
const options = { url, name: `${name}/${process.pid}`, log };
const exporting = await BusConnection.open({ ...options, credentials: credentials.exporting }, deadline);
const importing = await BusConnection.open({ ...options, credentials: credentials.importing }, deadline);
const caller = new BusCaller(importing, { decodeError });

const work: CallHandler = async ({ body, operationId, signal }) => {
  appendFileSync(effects, `${operationId}\n`);
  await sleep(Number(body.toString()), signal);
  return { body: Buffer.from(operationId) };
};

const pass: CallHandler = async (request) => {
  const { op, body, operationId, signal } = request;
  return caller.call(forward ?? '', op, body, { operationId, signal, deadline: request.deadline.fraction(0.9) });
};

const callee = new BusCallee(exporting, { log, encodeError });
callee.serve(name, forward === undefined ? work : pass);
await callee.ready(deadline);
process.stdout.write('ready\n');
