import { CleatError } from './errors.ts';
import type { Hello } from './manifest.ts';

/** Reads the first message of a participant. Throws `invalid_argument` HELLO_INVALID. */
export function parseHello(body: Uint8Array): Hello {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw new CleatError('invalid_argument', 'HELLO_INVALID', 'a hello is JSON');
  }
  if (
    typeof value !== 'object' ||
    value === null ||
    !('hello' in value) ||
    value.hello !== 1 ||
    !('name' in value) ||
    !('instance' in value) ||
    !('contracts' in value)
  ) {
    throw new CleatError('invalid_argument', 'HELLO_INVALID', 'a hello has hello: 1, name, version, instance, pid, sdk, contracts, store');
  }
  // Looked at above, as far as the kernel acts on it.
  return value as Hello;
}
