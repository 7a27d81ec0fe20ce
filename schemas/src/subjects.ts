import { CleatError } from './errors.ts';

/** Tokens of subjects on the bus. */
const TOKEN = /^[a-z0-9][a-z0-9_-]*$/i;

/** The address under which a contract's service answers: `rpc.<caller>.<address>.<operation>`. */
export function serviceAddress(contract: string): string {
  return token(contract);
}

/** The address under which the provider of a kind answers `provider@1`. */
export function providerAddress(kind: string): string {
  return `provider.${token(kind)}`;
}

/** The address under which a driver of a kind answers `provider@1`: `provider.volume-driver.sshfs`. */
export function driverAddress(kind: string, driver: string): string {
  return `provider.${token(kind)}-driver.${token(driver)}`;
}

/** The address under which an interceptor answers. */
export function interceptorAddress(plugin: string): string {
  return `interceptor.${token(plugin)}`;
}

/** `cleat.v1.ev.<node>.<noun>.<past>.<id>` */
export function eventSubject(node: string, type: string, id: string): string {
  const [noun = '', past = ''] = type.split('.');
  return `cleat.v1.ev.${token(node)}.${token(noun)}.${token(past)}.${subjectToken(id)}`;
}

/** An event filter ("*", "container.*", "container.exited") as a subject of the stream. */
export function eventFilterSubject(filter: string): string {
  if (filter === '*') return 'cleat.v1.ev.>';
  const [noun = '*', past = '*'] = filter.split('.');
  return `cleat.v1.ev.*.${noun === '*' ? '*' : token(noun)}.${past === '*' ? '*' : token(past)}.>`;
}

/** `dev.cleat.container.exited.v1` */
export function eventTypeName(type: string): string {
  return `dev.cleat.${type}.v1`;
}

/** Ids of objects may be names with characters that a subject cannot hold: those become "_" and their code in hex. */
export function subjectToken(id: string): string {
  const safe = id.replace(/[^A-Za-z0-9-]/g, (character) => `_${character.codePointAt(0)?.toString(16) ?? ''}`);
  return safe === '' ? '-' : safe;
}

function token(text: string): string {
  if (!TOKEN.test(text)) throw new CleatError('invalid_argument', 'SUBJECT_TOKEN', `"${text}" cannot be part of a subject`);
  return text;
}
