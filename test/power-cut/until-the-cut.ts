/**
 * Runs in a virtual machine that stops as if its power were cut when this program ends: starts a platform on the disk that
 * stays and a fleet of containers, and ends amid their starts. What clients were told is in the ledger; the test that runs after the
 * next boot compares.
 */
import { readFileSync } from 'node:fs';
import { dockerCall } from '../platform/docker-client.ts';
import { OutsideConsumer } from '../platform/outside-consumer.ts';
import type { Platform } from '../platform/platform.ts';
import { CONSUMER, CREDENTIALS, fleet, fleetPlatform, LEDGER, STARTED_AT_CUT } from './fleet.ts';
import { Ledger } from './ledger.ts';

const CLIENTS = 4;

const platform = fleetPlatform();
const ledger = new Ledger(LEDGER);
const ids: string[] = [];
let started = 0;

await platform.up();
await platform.importBusybox();
await platform.cleat(['consumer', 'add', CONSUMER, '--from', 'oldest', '--out', CREDENTIALS]);
const consumer = await OutsideConsumer.open(platform.runDir, CREDENTIALS);
const reading = read(consumer);

const members = [...fleet()];
await inParallel(async () => {
  for (let member = members.shift(); member !== undefined; member = members.shift()) {
    const id = await create(platform, member.name, member.request);
    ids.push(id);
    ledger.note({ type: 'created', id, name: member.name });
  }
});

const waiting = [...ids];
const starts = inParallel(async () => {
  for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
    await dockerCall(platform.socket, 'POST', `/containers/${id}/start`);
    ledger.note({ type: 'started', id });
    started += 1;
    if (started >= STARTED_AT_CUT) cut();
  }
});
await Promise.race([starts, reading]);
throw new Error(`only ${started} containers were started, or the consumer ended`);

function cut(): void {
  const [first = ''] = ids;
  ledger.note({ type: 'removing', id: first });
  // Asked for, and not waited for.
  void dockerCall(platform.socket, 'DELETE', `/containers/${first}?force=1`).catch(() => undefined);
  ledger.note({ type: 'cut', bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() });
  process.stdout.write(`${ids.length} created, ${started} started\n`, () => process.exit(0));
}

async function read(outside: OutsideConsumer): Promise<void> {
  for await (const item of outside.read(0, new AbortController().signal)) {
    if (item.type === 'gap') throw new Error(`a gap of ${item.missed} events before any power was cut`);
    if (item.type === 'node') {
      ledger.note(item);
      continue;
    }
    ledger.note({ type: 'event', sequence: item.sequence });
    item.acknowledge();
  }
}

async function create({ socket }: Platform, name: string, request: object): Promise<string> {
  const answer = await dockerCall(socket, 'POST', `/containers/create?name=${name}`, request);
  if (typeof answer === 'object' && answer !== null && 'Id' in answer && typeof answer.Id === 'string') return answer.Id;
  throw new Error(`no id for ${name}`);
}

async function inParallel(work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: CLIENTS }, work));
}
