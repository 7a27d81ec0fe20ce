import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BusConnection, type BusLog, ContractCaller } from '@cleat/core/client';
import { Deadline } from '@cleat/core/deadlines';
import { CleatError, SchemaBook, type sys } from '@cleat/schemas';
import { PluginCalls } from '../calls/plugin-calls.ts';
import { RegistryMirror } from '../calls/registry-mirror.ts';
import type { Call, EventItem, SubscribeOptions } from '../plugin.ts';

const CONNECT_MS = 5_000;
const REGISTRY_MS = 5_000;
const CLOSE_MS = 500;
/** A command right after the start of the platform finds plugins that are starting; it follows no events, so it looks again. */
const STARTING = { waitMs: 20_000, everyMs: 100 } as const;

const SILENT: BusLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A program's own way to the node: what the node's operator may do. */
export interface OperatorClient {
  readonly call: Call;
  subscribe(options: SubscribeOptions): AsyncIterable<EventItem>;
  /** Calls an operation of a contract that is known only now; request and answer are JSON values of its schema. */
  callAny(contract: string, operation: string, request: unknown, options?: Parameters<Call>[3]): Promise<unknown>;
  /** Every plugin of the node and what it answers. */
  registry(): Promise<readonly sys.Participant[]>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly timeoutMs?: number;
}

/**
 * Connects as the node's operator with what the kernel has left in its run directory (`operator.json`, for root alone).
 *
 * @throws CleatError `unavailable` NODE_NOT_RUNNING: there is no such file, or nobody answers. `permission_denied` OPERATOR_ONLY.
 */
export async function connectOperator(runDir: string, options: ConnectOptions = {}): Promise<OperatorClient> {
  const { credentials, urlFile } = readOperatorFile(join(runDir, 'operator.json'), runDir);
  const url = async (): Promise<string> => (await readFile(urlFile, 'utf8')).trim();
  const connection = new BusConnection({ url, credentials, name: `operator/${process.pid}`, log: SILENT });
  try {
    await connection.connected(Deadline.after(options.timeoutMs ?? CONNECT_MS));
  } catch (cause) {
    await connection.close(Deadline.after(0));
    throw notRunning(runDir, cause);
  }
  return clientOn(connection);
}

function clientOn(connection: BusConnection): OperatorClient {
  const book = new SchemaBook();
  const caller = new ContractCaller(connection, book);
  const ask = <Response>(operation: string, request: unknown): Promise<Response> =>
    caller.call<Response>('sys', 'sys', operation, request, { timeoutMs: REGISTRY_MS, plugin: 'kernel' });
  const registry = new RegistryMirror({ read: () => ask('registry', {}), log: SILENT, polls: STARTING });
  const calls = new PluginCalls({ caller, registry, book, picked: () => undefined });
  return {
    call: calls.call,
    callAny: (contract, operation, request, more) => calls.any(contract, operation, request, more),
    registry: async () => {
      await registry.refresh();
      return registry.all;
    },
    subscribe: (options) => subscribed(options),
    close: async () => {
      caller.close(new CleatError('cancelled', 'CLIENT_CLOSED', 'the client was closed'));
      await connection.close(Deadline.after(CLOSE_MS));
    },
  };

  // Loaded by the first subscription: a command that lists something does not pay for it.
  async function* subscribed(options: SubscribeOptions): AsyncGenerator<EventItem, void> {
    const [{ subscription }, { EventDecoder }] = await Promise.all([
      import('../events/subscription.ts'),
      import('../events/event-decoder.ts'),
    ]);
    const decoder = new EventDecoder(book, (fingerprint) => ask('schema', { fingerprint }));
    yield* subscription({ connection, call: calls.call, decoder }, options);
  }
}

interface OperatorFile {
  readonly credentials: { readonly accountKey: string; readonly jwt: string; readonly seed?: string | undefined };
  readonly urlFile: string;
}

/** `{ "credentials": { accountKey, jwt, seed }, "urlFile": path }`: of the importing account, as the operator answers nothing. */
function readOperatorFile(path: string, runDir: string): OperatorFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code !== 'EACCES' && code !== 'EPERM') throw notRunning(runDir, cause);
    throw new CleatError('permission_denied', 'OPERATOR_ONLY', `${path} is for the node's operator alone`, {
      hint: 'Run the command as root.',
      cause,
    });
  }
  const value = parsed(text);
  const urlFile = field(value, 'urlFile');
  const held = field(value, 'credentials');
  const [accountKey, jwt, seed] = [field(held, 'accountKey'), field(held, 'jwt'), field(held, 'seed')];
  if (typeof urlFile !== 'string' || typeof accountKey !== 'string' || typeof jwt !== 'string') {
    throw new CleatError('internal', 'OPERATOR_FILE_INVALID', `${path} is not what the kernel writes there`);
  }
  return { urlFile, credentials: { accountKey, jwt, seed: typeof seed === 'string' ? seed : undefined } };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it lacks is told by whoever looks for it.
    return undefined;
  }
}

function notRunning(runDir: string, cause: unknown): CleatError {
  return new CleatError('unavailable', 'NODE_NOT_RUNNING', `no node of Cleat answers in ${runDir}`, {
    hint: 'Start it with "cleat up", or name its directory with --run-dir.',
    cause,
  });
}
