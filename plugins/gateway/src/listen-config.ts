import { CleatError } from '@cleat/schemas';
import type { Listen } from './server.ts';
import { isObject, numberAt, stringAt } from './wire/json.ts';

function listen(value: unknown): Listen {
  if (isObject(value)) {
    if (typeof value['fd'] === 'number') return { kind: 'fd', fd: value['fd'] };
    if (value['kind'] === 'unix' && stringAt(value, 'path') !== '') return { kind: 'unix', path: stringAt(value, 'path') };
    if (value['kind'] === 'tcp' && stringAt(value, 'host') !== '') {
      return { kind: 'tcp', host: stringAt(value, 'host'), port: numberAt(value, 'port') };
    }
  }
  throw new CleatError(
    'invalid_argument',
    'LISTEN_INVALID',
    'gateway: each member of "listen" needs an fd, a unix path, or a TCP host and port',
  );
}

/** The listening sockets of the configuration. */
export function listenOf(config: Readonly<Record<string, unknown>>): readonly Listen[] {
  const list = config['listen'];
  return Array.isArray(list) ? list.map(listen) : [];
}
