import { CleatError } from '@cleat/schemas';

const FINGERPRINT = /^[0-9a-f]{16}$/;

/** The 8 bytes of a fingerprint given in 16 hexadecimal digits. */
export function encodeSchema(schema: string): Buffer {
  if (!FINGERPRINT.test(schema)) {
    const message = `a schema fingerprint has 16 lower-case hexadecimal digits, not ${JSON.stringify(schema)}`;
    throw new CleatError('invalid_argument', 'JOURNAL_SCHEMA_INVALID', message);
  }
  return Buffer.from(schema, 'hex');
}
