import { CleatError } from '@cleat/schemas';
import { Deadline } from '../deadlines/index.ts';
import { BusConnection, type BusConnectionOptions } from './connection.ts';
import { SYSTEM_REQUEST_MS } from './limits.ts';
import type { BusLog, BusMessage } from './message.ts';

/** A connection has ended, as the server tells it: a death is known some ms after it happened. */
export interface Disconnection {
  readonly accountKey: string;
  /** The connection's name, `<participant>/<instance>`. */
  readonly connection: string;
  readonly reason: string;
}

/** The connection of the system account: accounts are told to the server by it, and the server tells who left. */
export class SystemLink {
  readonly connection: BusConnection;
  readonly #log: BusLog;

  constructor(options: BusConnectionOptions, onDisconnect: (event: Disconnection) => void) {
    this.connection = new BusConnection(options);
    this.#log = options.log;
    this.connection.subscribe('$SYS.ACCOUNT.*.DISCONNECT', (message) => {
      const event = readDisconnection(message);
      if (event === undefined) this.#log.warn('a system event could not be read', { subject: message.subject });
      else onDisconnect(event);
    });
  }

  /** Tells a new or changed account; once it returns the server goes by it. */
  async update(jwt: string, deadline: Deadline): Promise<void> {
    await this.#request('$SYS.REQ.CLAIMS.UPDATE', jwt, deadline);
  }

  /** Makes the server forget accounts and cut their connections. `deletion` is signed by the operator. */
  async delete(deletion: string, deadline: Deadline): Promise<void> {
    await this.#request('$SYS.REQ.CLAIMS.DELETE', deletion, deadline);
  }

  async #request(subject: string, text: string, deadline: Deadline): Promise<void> {
    const own = deadline.earlierOf(Deadline.after(SYSTEM_REQUEST_MS));
    const answer = await this.connection.request(subject, Buffer.from(text), { deadline: own });
    const failure = failureOf(answer);
    if (failure !== undefined) {
      throw new CleatError('internal', 'BUS_CLAIMS_REFUSED', `the bus server refused an account: ${failure}`);
    }
  }
}

function failureOf(answer: BusMessage): string | undefined {
  if (answer.status !== 0) return `${answer.status} ${answer.statusText}`;
  const error = field(parsed(answer.body), 'error');
  if (error === undefined) return undefined;
  const description = field(error, 'description');
  return typeof description === 'string' ? description : JSON.stringify(error);
}

function readDisconnection(message: BusMessage): Disconnection | undefined {
  const event = parsed(message.body);
  const client = field(event, 'client');
  const accountKey = message.subject.split('.')[2];
  if (accountKey === undefined || client === undefined) return undefined;
  return { accountKey, connection: text(field(client, 'name')), reason: text(field(event, 'reason')) };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    // Judged by whoever looks for a field in it.
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
