import { createPrivateKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { CleatError } from '@cleat/schemas';
import { decodeBase32, encodeBase32 } from './base32.ts';

/**
 * The three kinds of identity that NATS knows. An operator vouches for accounts, an account for its users; a key names its
 * kind in its first letter (O, A, U), a seed in its second (SO, SA, SU).
 */
export type IdentityKind = 'operator' | 'account' | 'user';

const PREFIX: Readonly<Record<IdentityKind, number>> = { operator: 14 << 3, account: 0, user: 20 << 3 };
const SEED_PREFIX: number = 18 << 3;
/** What stands before the 32 raw bytes of an ed25519 private key in PKCS #8. */
const PKCS8_HEADER: Buffer = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An ed25519 key pair in the textual form of NATS ("nkey"). Signing takes microseconds: node:crypto does it, not JavaScript. */
export class Identity {
  readonly kind: IdentityKind;
  readonly publicKey: string;
  readonly #raw: Buffer;
  readonly #privateKey: KeyObject;

  private constructor(kind: IdentityKind, raw: Buffer) {
    this.kind = kind;
    this.#raw = raw;
    this.#privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, raw]), format: 'der', type: 'pkcs8' });
    this.publicKey = encodeKey(PREFIX[kind], publicHalf(this.#privateKey));
  }

  static create(kind: IdentityKind): Identity {
    return new Identity(kind, randomBytes(32));
  }

  /** Throws `invalid_argument` for what is not a seed of one of the three kinds. */
  static fromSeed(seed: string): Identity {
    const body = checkedBody(seed);
    const [first, second] = body;
    if (body.length !== 34 || first === undefined || second === undefined || (first & 0xf8) !== SEED_PREFIX) {
      throw notAKey('seed');
    }
    const prefix = ((first & 7) << 5) | ((second & 0xf8) >> 3);
    const kind = kindOf(prefix);
    return new Identity(kind, body.subarray(2));
  }

  /** The secret in text. Keep it out of logs, events and the environment. */
  get seed(): string {
    const prefix = PREFIX[this.kind];
    return withChecksum(Buffer.concat([Buffer.of(SEED_PREFIX | (prefix >> 5), (prefix & 31) << 3), this.#raw]));
  }

  sign(data: Uint8Array): Buffer {
    return sign(null, data, this.#privateKey);
  }

  /** The seed stays out of whatever prints an object. */
  toJSON(): string {
    return this.publicKey;
  }
}

/** True for a well-formed public key of that kind, checksum included. */
export function isPublicKey(kind: IdentityKind, text: string): boolean {
  try {
    const body = checkedBody(text);
    return body.length === 33 && body[0] === PREFIX[kind];
  } catch {
    // Whatever is wrong with it, it is not a key.
    return false;
  }
}

function publicHalf(privateKey: KeyObject): Buffer {
  const { x } = privateKey.export({ format: 'jwk' });
  if (x === undefined) throw new CleatError('internal', 'BUS_KEY_INVALID', 'the runtime gave no public half of a key');
  return Buffer.from(x, 'base64url');
}

function kindOf(prefix: number): IdentityKind {
  if (prefix === PREFIX.operator) return 'operator';
  if (prefix === PREFIX.account) return 'account';
  if (prefix === PREFIX.user) return 'user';
  throw notAKey('seed');
}

function encodeKey(prefix: number, raw: Buffer): string {
  return withChecksum(Buffer.concat([Buffer.of(prefix), raw]));
}

function withChecksum(body: Buffer): string {
  const checksum = Buffer.alloc(2);
  checksum.writeUInt16LE(crc16(body));
  return encodeBase32(Buffer.concat([body, checksum]));
}

function checkedBody(text: string): Buffer {
  const bytes = decodeBase32(text);
  if (bytes === undefined || bytes.length < 3) throw notAKey('key');
  const body = bytes.subarray(0, -2);
  if (bytes.readUInt16LE(body.length) !== crc16(body)) throw notAKey('key');
  return body;
}

function notAKey(what: string): CleatError {
  return new CleatError('invalid_argument', 'BUS_KEY_INVALID', `this is not a valid NATS ${what}`);
}

/** CRC-16/XMODEM, as nkeys append it. */
function crc16(data: Uint8Array): number {
  let crc = 0;
  for (const byte of data) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}
