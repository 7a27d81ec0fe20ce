import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Logger } from '@cleat/core';
import {
  BusCaller,
  BusConnection,
  ContractCallee,
  type ContractCalleeOptions,
  ContractCaller,
  decodeCredentials,
  ErrorCodec,
} from '@cleat/core';
import { Deadline } from '@cleat/core/deadlines';
import type { Hello, SchemaBook, Welcome } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';
import { HELLO_MS } from './limits.ts';

export interface BusLinkOptions extends Pick<ContractCalleeOptions, 'whoIs' | 'judge'> {
  readonly plugin: string;
  readonly instance: string;
  readonly urlFile: string;
  /** Text of a credentials file. */
  readonly credentials: string;
  readonly book: SchemaBook;
  readonly log: Logger;
}

/** A participant's place on the bus: a connection that answers and one that calls. */
export class BusLink {
  readonly exporting: BusConnection;
  readonly importing: BusConnection;
  readonly callee: ContractCallee;
  readonly caller: ContractCaller;
  readonly #raw: BusCaller;

  /** Starts dialling and returns at once. Throws `invalid_argument` BUS_CREDENTIALS_INVALID. */
  constructor(options: BusLinkOptions) {
    const { plugin, instance, urlFile, book, log } = options;
    const credentials = decodeCredentials(options.credentials);
    const url = async (): Promise<string> => (await readFile(urlFile, 'utf8')).trim();
    const name = `${plugin}/${instance}`;
    this.exporting = new BusConnection({ url, name, log, credentials: credentials.exporting });
    this.importing = new BusConnection({ url, name, log, credentials: credentials.importing });
    this.callee = new ContractCallee(this.exporting, options);
    this.caller = new ContractCaller(this.importing, book);
    const errors = new ErrorCodec(book);
    this.#raw = new BusCaller(this.importing, { decodeError: (body) => errors.decode(body) });
  }

  async connected(deadline: Deadline): Promise<void> {
    await Promise.all([this.exporting.connected(deadline), this.importing.connected(deadline)]);
  }

  /** The first message, in JSON both ways: two that share no schema can still tell each other so. */
  async hello(hello: Hello, signal: AbortSignal): Promise<Welcome> {
    const body = Buffer.from(JSON.stringify(hello));
    const answer = await this.#raw.call('hello', 'hello', body, { deadline: Deadline.after(HELLO_MS), signal, plugin: 'kernel' });
    return readWelcome(answer.body);
  }

  /** Fails what is pending and ends both connections. */
  async close(deadline: Deadline): Promise<void> {
    const reason = new CleatError('cancelled', 'PLUGIN_STOPPING', 'the plugin is stopping');
    this.#raw.close(reason);
    this.caller.close(reason);
    await Promise.all([this.exporting.close(deadline), this.importing.close(deadline)]);
  }
}

/** Text of a credentials file. Throws `unavailable` CREDENTIALS_MISSING. */
export function readCredentials(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CleatError('unavailable', 'CREDENTIALS_MISSING', `the credentials ${path} cannot be read`, {
      hint: 'The kernel writes them each time it starts the plugin.',
      cause,
    });
  }
}

/** The fields of a welcome that everything after it stands on; the format is frozen. */
function readWelcome(body: Buffer): Welcome {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (cause) {
    throw new CleatError('internal', 'WELCOME_UNREADABLE', "the kernel's answer to hello is not JSON", { cause });
  }
  const isWelcome =
    typeof value === 'object' && value !== null && 'welcome' in value && value.welcome === 1 && 'node' in value && 'heartbeatMs' in value;
  if (!isWelcome) {
    throw new CleatError('internal', 'WELCOME_UNREADABLE', "the kernel's answer to hello is not a welcome of format 1", {
      hint: 'The kernel is of a newer major version: upgrade the plugin.',
    });
  }
  return value as Welcome;
}
