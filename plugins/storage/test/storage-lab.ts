import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mountPoints, type TestContext, tempDir } from '@cleat/harness';
import type { provider, providerTypes } from '@cleat/schemas';
import { Deadline, type JournalOptions, TaskGroup } from '@cleat/sdk';
import { DriverLedger } from '@cleat/sdk/drivers';
import { umount } from '@cleat/sdk/filesystem';
import { Journal, TestLog } from '@cleat/sdk/testing';
import { openStorage, type Storage, type StorageOptions } from '../src/storage.ts';
import { FakeDrivers } from './fake-drivers.ts';

export const BOOT: string = '0f0e0d0c-0b0a-4009-8807-060504030201';
export const CONTAINER: string = 'c'.repeat(64);

export interface LabOptions extends Partial<StorageOptions> {
  readonly directory?: string;
  /** Volume drivers of other plugins. */
  readonly drivers?: FakeDrivers;
}

export interface Lab {
  readonly directory: string;
  readonly storage: Storage;
  readonly events: providerTypes.EventInput[];
  readonly warnings: string[];
  /** The process dies and another one opens the same state: what it had not written is gone. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** What a call fails with; an Error when it does not. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  return new Error('it did not fail');
}

export interface LabCall {
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
}

export const CALL: LabCall = { signal: new AbortController().signal, deadline: Deadline.never };

export async function openLab(t: TestContext, options: LabOptions = {}): Promise<Lab> {
  const directory = options.directory ?? tempDir(t);
  const events: providerTypes.EventInput[] = [];
  const warnings: string[] = [];
  let opened = await openParts(directory, events, warnings, options);
  const close = async (): Promise<void> => {
    await Promise.all(opened.tasks);
    opened.ledger.close();
    await opened.ledgerTasks.close(5_000);
    await opened.storage.close();
    for (const journal of opened.journals) await journal.close();
  };
  t.teardown(async () => {
    await close();
    for (const point of mountPoints().filter((path) => path.startsWith(`${directory}/`))) umount(point, { lazy: true });
  });
  return {
    directory,
    events,
    warnings,
    get storage() {
      return opened.storage;
    },
    restart: async () => {
      await close();
      opened = await openParts(directory, events, warnings, options);
    },
    close,
  };
}

interface Opened {
  readonly storage: Storage;
  readonly journals: readonly Journal[];
  readonly tasks: Promise<void>[];
  readonly ledger: DriverLedger;
  readonly ledgerTasks: TaskGroup;
}

async function openParts(directory: string, events: providerTypes.EventInput[], warnings: string[], options: LabOptions): Promise<Opened> {
  const tasks: Promise<void>[] = [];
  const journals: Journal[] = [];
  const openJournal = (given: Partial<JournalOptions>): Promise<Journal> => {
    const journal = Journal.open({ ...given, reserveBytes: 0, dir: join(directory, given.dir ?? 'journal') });
    journals.push(journal);
    return Promise.resolve(journal);
  };
  const { drivers = new FakeDrivers(), ...rest } = options;
  const log = new TestLog();
  const ledgerTasks = new TaskGroup({ logger: log });
  const ledger = await DriverLedger.open({ kind: 'volume', context: { drivers, bootId: BOOT, log, tasks: ledgerTasks, openJournal } });
  const storage = await openStorage({
    stateDir: directory,
    signal: CALL.signal,
    openJournal: (replay) => openJournal({ replay }),
    ledger,
    isDriver: (name) => drivers.pluginOf({ kind: 'volume', name }) !== undefined,
    publish: (event) => {
      events.push(event);
      return Promise.resolve();
    },
    warn: (message, fields) => warnings.push(`${message} ${JSON.stringify(fields)}`),
    spawn: (_name, task) => {
      // As in the platform: after whoever asked has gone on.
      tasks.push(delay(0).then(() => task(CALL.signal)));
    },
    ...rest,
  });
  return { storage, journals, tasks, ledger, ledgerTasks };
}

let lastNumber = 0;

/** A number above all that were given. */
export function nextNumber(): number {
  lastNumber += 1;
  return lastNumber;
}

export function reference(claim = 'volume-1', container: string = CONTAINER): providerTypes.Reference {
  return { object: `${container}/${claim}`, container, claim, bootId: BOOT, number: nextNumber() };
}

export function reserveRequest(options: object, claim?: string, container?: string): provider.ReserveRequest {
  return {
    reference: reference(claim, container),
    options: JSON.stringify(options),
    container: { id: container ?? CONTAINER, name: 'web', hostname: 'web', labels: {} },
    idMapping: { uids: [], gids: [] },
    directory: '',
    fromImage: false,
  };
}

export function attachRequest(claim?: string, container?: string): provider.AttachRequest {
  return {
    reference: reference(claim, container),
    options: '',
    status: '',
    container: { id: container ?? CONTAINER, name: 'web', hostname: 'web', labels: {} },
    idMapping: { uids: [], gids: [] },
    directory: '',
    rootPath: '',
    networkNamespace: '',
    userNamespace: '',
  };
}

/** The one mount of an answer. */
export function mountOf(answer: provider.AttachResponseInput): providerTypes.MountInput {
  const [mount] = answer.contribution?.mounts ?? [];
  if (mount === undefined) throw new Error('the answer has no mount');
  return mount;
}

export function statusOf(answer: { readonly status?: string | undefined }): { readonly name: string; readonly mountpoint: string } {
  const value: unknown = JSON.parse(answer.status ?? '{}');
  if (typeof value !== 'object' || value === null || !('name' in value) || !('mountpoint' in value)) {
    throw new Error(`not a status: ${answer.status}`);
  }
  return { name: String(value.name), mountpoint: String(value.mountpoint) };
}

export function mountsBelow(directory: string): readonly string[] {
  return mountPoints().filter((point) => point.startsWith(`${directory}/`));
}

/** What the kernel lists of a claim. */
export function held(claim: string, options: object, more: Partial<provider.Held> = {}): provider.Held {
  return {
    reference: reference(claim),
    options: JSON.stringify(options),
    status: '',
    attached: false,
    container: { id: CONTAINER, name: 'web', hostname: 'web', labels: {} },
    idMapping: { uids: [], gids: [] },
    directory: '',
    networkNamespace: '',
    userNamespace: '',
    ...more,
  };
}
