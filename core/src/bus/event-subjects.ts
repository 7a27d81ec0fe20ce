import { CleatError } from '@cleat/schemas';
import { checkToken } from './subjects.ts';

/** The stream of events, in the exporting account of the kernel. */
export const EVENT_STREAM = 'EVENTS';
/** Events are published on `cleat.v1.ev.<node>.<noun>.<action>.<id>`. */
export const EVENT_SUBJECT = 'cleat.v1.ev';
/** What is stored is shown on `live.` + its subject, once and in order. */
export const LIVE_PREFIX = 'live.';
/** Where an importing account finds JetStream's own subjects: under `$JS.API` its own JetStream, which it has not, would answer. */
export const JETSTREAM_PREFIX = 'cleatjs';

/** The subjects that a pattern of a grant stands for: `container.started`, `container.*`, `*`. */
export function eventSubject(node: string, pattern: string): string {
  const [noun = '', action = '*', ...rest] = pattern.split('.');
  if (rest.length > 0) {
    throw new CleatError('invalid_argument', 'BUS_SUBJECT_INVALID', `${pattern} is not <noun>.<action>`);
  }
  for (const token of [node, noun, action]) if (token !== '*') checkToken(token, 'part of an event subject');
  return `${EVENT_SUBJECT}.${node}.${noun}.${action}.>`;
}

export function isEventSubject(subject: string): boolean {
  return subject.startsWith(`${EVENT_SUBJECT}.`) && /^[^\s*>]+$/.test(subject);
}
