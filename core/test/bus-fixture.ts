import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CleatError, isCleatError, parseErrorClass } from '@cleat/schemas';
import type { Test } from 'tap';
import {
  BusCallee,
  BusCaller,
  type BusConnection,
  type BusLog,
  type CallGrant,
  type CallHandler,
  type CallResult,
  type Grant,
  PrivateBus,
  type PrivateBusOptions,
} from '../src/bus/index.ts';
import { Deadline, sleep } from '../src/deadlines/index.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** Kept, and shown when a test asks. */
export class MemoryLog implements BusLog {
  readonly lines: LogLine[] = [];

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'info', message, fields });
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'error', message, fields });
  }
}

export function soon(ms = 5_000): Deadline {
  return Deadline.after(ms);
}

export async function waitFor(what: string, isTrue: () => boolean, ms = 10_000): Promise<void> {
  const deadline = Deadline.after(ms);
  while (!isTrue()) {
    if (deadline.isExpired) throw new Error(`waited in vain: ${what}`);
    await sleep(5);
  }
}

export function temporaryDirectory(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'cleat-bus-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A bus of its own, ended with the test. */
export async function startBus(t: Test, options: Partial<PrivateBusOptions> = {}): Promise<PrivateBus> {
  const log = options.log ?? new MemoryLog();
  const dir = options.dir ?? temporaryDirectory(t);
  const bus = await PrivateBus.start({ path: process.env['PATH'], ...options, log, dir }, soon());
  t.teardown(() => bus.stop());
  await bus.ready(soon());
  return bus;
}

export function granted(calls: readonly CallGrant[], rest: Partial<Grant> = {}): Grant {
  return { calls, events: [], eventsNode: '*', durable: false, ...rest };
}

/** The errors of these tests travel as JSON; in the product they are a schema's. */
export function encodeError(error: CleatError): CallResult {
  return { body: Buffer.from(JSON.stringify([error.class, error.code, error.message])) };
}

export function decodeError(body: Buffer): CleatError {
  const value: unknown = JSON.parse(body.toString());
  const [name, code, message] = Array.isArray(value) ? value.map(String) : [];
  return new CleatError(parseErrorClass(name ?? ''), code ?? '', message ?? '');
}

export interface Participant {
  readonly name: string;
  readonly exporting: BusConnection;
  readonly importing: BusConnection;
  readonly callee: BusCallee;
  readonly caller: BusCaller;
}

/** A participant in this process, with both its connections up. */
export async function joinBus(t: Test, bus: PrivateBus, name: string, log: BusLog = new MemoryLog()): Promise<Participant> {
  await bus.add(name, soon());
  const credentials = bus.credentials(name);
  const exporting = bus.connect(`${name}/1`, credentials.exporting);
  const importing = bus.connect(`${name}/1`, credentials.importing);
  t.teardown(async () => {
    await exporting.close(Deadline.after(0));
    await importing.close(Deadline.after(0));
  });
  await exporting.connected(soon());
  await importing.connected(soon());
  const callee = new BusCallee(exporting, { log, encodeError });
  return { name, exporting, importing, callee, caller: new BusCaller(importing, { decodeError }) };
}

export const echo: CallHandler = async ({ body }) => ({ body });

/** The error that the promise fails with; a test fails when there is none. */
export async function failure(promise: Promise<unknown>): Promise<CleatError> {
  try {
    await promise;
  } catch (error) {
    if (isCleatError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
