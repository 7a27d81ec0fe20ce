import { createInterface } from 'node:readline';
import { isCleatError } from '@cleat/schemas';
import { Deadline } from '@cleat/sdk';
import { Journal } from '@cleat/sdk/testing';
import type { NetworkEngine } from '../src/network-engine.ts';
import { openNetworkEngine } from '../src/network-engine.ts';
import { parseConfig } from '../src/plugin-config.ts';

/**
 * The plugin's engine as a process of its own, so that a test can put it into a namespace that plays the host, and kill
 * it. Requests and answers are lines of JSON; the arguments are the state directory, the instance id, the config, and
 * optionally the record of the journal, counted from the start, around whose write it kills itself: `before-write:7`.
 */
const [stateDir = '', instanceId = '', config = '{}', fault = ''] = process.argv.slice(2);

type Handler = (engine: NetworkEngine, request: never) => unknown;

const HANDLERS: Readonly<Record<string, Handler>> = {
  reserve: (engine, request) => engine.provider.reserve(request),
  attach: (engine, request) => engine.provider.attach(request, { signal: new AbortController().signal, deadline: Deadline.after(30_000) }),
  detach: (engine, request) => engine.provider.detach(request),
  release: (engine, request) => engine.provider.release(request),
  update: (engine, request) => engine.provider.update(request),
  reconcile: (engine, request) => engine.reconciliation.run(request),
  create: (engine, request) => engine.service.create(request),
  inspect: (engine, request) => engine.service.inspect(request),
  list: (engine, request) => engine.service.list(request),
  remove: (engine, request) => engine.service.remove(request),
  prune: (engine, request) => engine.service.prune(request),
  close: (engine) => engine.close(),
};

function say(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))}\n`);
}

let written = 0;

function dieAt(point: string): void {
  if (point === 'before-write') written += 1;
  if (fault === `${point}:${written}`) process.kill(process.pid, 'SIGKILL');
}

const engine = await openNetworkEngine({
  instanceId,
  config: parseConfig(JSON.parse(config) as Record<string, unknown>),
  openJournal: (replay) => Promise.resolve(Journal.open({ dir: stateDir, reserveBytes: 0, replay, onFault: dieAt })),
  warn: (message, fields) => say({ warning: message, fields: JSON.stringify(fields) }),
  publish: (event) => {
    say({ event });
    return Promise.resolve();
  },
});
say({ ready: true });

for await (const line of createInterface({ input: process.stdin })) {
  const { id, operation, request } = JSON.parse(line) as { id: number; operation: string; request: never };
  void answer(id, operation, request);
}

async function answer(id: number, operation: string, request: never): Promise<void> {
  try {
    const result = await HANDLERS[operation]?.(engine, request);
    say({ id, result: result ?? null });
  } catch (error) {
    const code = isCleatError(error) ? error.code : 'NONE';
    say({ id, code, message: error instanceof Error ? error.message : String(error), stack: error instanceof Error ? error.stack : '' });
  }
}
