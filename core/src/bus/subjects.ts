import { CleatError } from '@cleat/schemas';

const TOKEN = /^[A-Za-z0-9_-]+$/;

/**
 * A call's subject: `rpc.<key of the caller's importing account>.<address>.<op>`. The server replaces nothing and lets nobody use
 * another's key, so the second token says who calls. An address is one or more tokens (`volume`, `provider.volume`,
 * `provider.volume.local`), an operation one: so no address' subjects contain another's.
 */
export function callSubject(callerKey: string, address: string, op: string): string {
  checkAddress(address);
  checkToken(op, 'operation');
  return `rpc.${callerKey}.${address}.${op}`;
}

/** All operations of an address, by one caller or by all (`*`). */
export function addressSubject(callerKey: string, address: string): string {
  checkAddress(address);
  return `rpc.${callerKey}.${address}.*`;
}

export interface ParsedCallSubject {
  readonly callerKey: string;
  readonly op: string;
}

/** Of a subject that a subscription to an address delivered. */
export function parseCallSubject(subject: string): ParsedCallSubject | undefined {
  const tokens = subject.split('.');
  const callerKey = tokens[1];
  const op = tokens.at(-1);
  return callerKey === undefined || op === undefined || tokens.length < 4 ? undefined : { callerKey, op };
}

export function checkAddress(address: string): void {
  for (const token of address.split('.')) checkToken(token, 'address');
}

/** Subjects are built from names that come from outside: a dot or a star in one would name something else. */
export function checkToken(token: string, what: string): void {
  if (!TOKEN.test(token)) {
    throw new CleatError('invalid_argument', 'BUS_SUBJECT_INVALID', `${JSON.stringify(token)} is not a valid ${what}`);
  }
}
