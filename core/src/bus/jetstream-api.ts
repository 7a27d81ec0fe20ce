import { CleatError } from '@cleat/schemas';
import type { Deadline } from '../deadlines/index.ts';
import type { BusConnection } from './connection.ts';

/** What JetStream says in place of an answer. `code` is its own, finer number. */
export interface JetStreamFailure {
  readonly status: number;
  readonly code: number;
  readonly description: string;
}

export type JetStreamAnswer =
  | { readonly type: 'answer'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly type: 'failure'; readonly failure: JetStreamFailure };

/** JetStream's numbers that are decided by. */
export const JetStreamCode = { streamMissing: 10_059, consumerMissing: 10_014 } as const;

/** One request to `$JS.API`. */
export async function jetStreamRequest(
  connection: BusConnection,
  verb: string,
  body: object | undefined,
  deadline: Deadline,
): Promise<JetStreamAnswer> {
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
  const message = await connection.request(`$JS.API.${verb}`, bytes, { deadline });
  if (message.status === 503) {
    const failure = { status: 503, code: 0, description: 'JetStream does not answer' };
    return { type: 'failure', failure };
  }
  const value = parseObject(message.body);
  const failure = failureIn(value);
  return failure === undefined ? { type: 'answer', value } : { type: 'failure', failure };
}

export function jetStreamError(what: string, failure: JetStreamFailure): CleatError {
  const isAway = failure.status === 503;
  return new CleatError(isAway ? 'unavailable' : 'internal', 'BUS_STREAM_FAILED', `${what}: ${failure.description}`, {
    retryable: isAway,
    details: { status: String(failure.status), code: String(failure.code) },
  });
}

export function failureIn(value: Readonly<Record<string, unknown>>): JetStreamFailure | undefined {
  const error = value['error'];
  if (typeof error !== 'object' || error === null) return undefined;
  const entries = new Map(Object.entries(error));
  return {
    status: numberOr(entries.get('code'), 500),
    code: numberOr(entries.get('err_code'), 0),
    description: String(entries.get('description') ?? 'unknown error'),
  };
}

export function parseObject(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (cause) {
    throw new CleatError('internal', 'BUS_STREAM_FAILED', 'JetStream gave an answer that cannot be read', { cause });
  }
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  throw new CleatError('internal', 'BUS_STREAM_FAILED', 'JetStream gave an answer that is no object');
}

/** A nested object, or an empty one. */
export function objectIn(value: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const inner = value[name];
  return typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>) : {};
}

export function numberOr(value: unknown, absent: number): number {
  return typeof value === 'number' ? value : absent;
}
