/** One netlink request: its type, its flags (without REQUEST, ACK and DUMP, which the socket adds) and everything after the header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
  /** What is being done and to what, for the message of an error: `add link veth0`. */
  readonly what: string;
}

/** One message as it arrived: the header's type and flags and the bytes after it. */
export interface NetlinkReply {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Buffer;
}

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const HEADER_BYTES = 16;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

function align(length: number): number {
  return (length + 3) & ~3;
}

/** Writes a fixed structure and the attributes behind it into one growing buffer, in host byte order where not named otherwise. */
export class BodyWriter {
  #buffer = Buffer.alloc(256);
  #length = 0;

  /** Appends a structure as it is; it is padded to four bytes. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(align(bytes.length));
    this.#buffer.set(bytes, at);
    return this;
  }

  bytes(type: number, value: Uint8Array): this {
    const at = this.#header(type, value.length);
    this.#buffer.set(value, at);
    return this;
  }

  flag(type: number): this {
    this.#header(type, 0);
    return this;
  }

  /** A NUL-terminated string. */
  string(type: number, value: string): this {
    return this.bytes(type, Buffer.from(`${value}\0`));
  }

  u8(type: number, value: number): this {
    const at = this.#header(type, 1);
    this.#buffer.writeUInt8(value, at);
    return this;
  }

  u16(type: number, value: number): this {
    const at = this.#header(type, 2);
    this.#buffer.writeUInt16LE(value, at);
    return this;
  }

  u32(type: number, value: number): this {
    const at = this.#header(type, 4);
    this.#buffer.writeUInt32LE(value >>> 0, at);
    return this;
  }

  u16be(type: number, value: number): this {
    const at = this.#header(type, 2);
    this.#buffer.writeUInt16BE(value, at);
    return this;
  }

  u32be(type: number, value: number): this {
    const at = this.#header(type, 4);
    this.#buffer.writeUInt32BE(value >>> 0, at);
    return this;
  }

  u64be(type: number, value: bigint): this {
    const at = this.#header(type, 8);
    this.#buffer.writeBigUInt64BE(value, at);
    return this;
  }

  /** An attribute that holds what `fill` writes. */
  nest(type: number, fill: (inner: this) => void): this {
    const start = this.#reserve(4);
    fill(this);
    this.#buffer.writeUInt16LE(this.#length - start, start);
    this.#buffer.writeUInt16LE(type | NLA_F_NESTED, start + 2);
    return this;
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #header(type: number, payloadBytes: number): number {
    const at = this.#reserve(4 + align(payloadBytes));
    this.#buffer.writeUInt16LE(4 + payloadBytes, at);
    this.#buffer.writeUInt16LE(type, at + 2);
    return at + 4;
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    return at;
  }
}

/** The attributes of a message or of a nested attribute, by type. Of a type that is repeated the last stays; lists are read by `attributeList`. */
export type Attributes = ReadonlyMap<number, Buffer>;

export function attributeList(bytes: Buffer): readonly { readonly type: number; readonly value: Buffer }[] {
  const list: { type: number; value: Buffer }[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    list.push({ type: bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, value: bytes.subarray(at + 4, at + length) });
    at += align(length);
  }
  return list;
}

export function attributes(bytes: Buffer): Attributes {
  return new Map(attributeList(bytes).map(({ type, value }) => [type, value]));
}

/** A string attribute without its terminating NUL. */
export function attributeString(value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined;
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end === -1 ? value.length : end);
}

export function attributeU32(value: Buffer | undefined): number | undefined {
  return value !== undefined && value.length >= 4 ? value.readUInt32LE(0) : undefined;
}

/** Puts messages behind one another into one datagram; the first gets `sequence`, each next one more. */
export function encodeDatagram(messages: readonly NetlinkMessage[], sequence: number, flags: number): Buffer {
  const total = messages.reduce((sum, message) => sum + align(HEADER_BYTES + message.body.length), 0);
  const datagram = Buffer.alloc(total);
  let at = 0;
  messages.forEach((message, index) => {
    datagram.writeUInt32LE(HEADER_BYTES + message.body.length, at);
    datagram.writeUInt16LE(message.type, at + 4);
    datagram.writeUInt16LE(message.flags | flags | NLM_F_REQUEST, at + 6);
    datagram.writeUInt32LE((sequence + index) >>> 0, at + 8);
    datagram.set(message.body, at + HEADER_BYTES);
    at += align(HEADER_BYTES + message.body.length);
  });
  return datagram;
}

/** The messages of one received datagram; a length that makes no sense ends the list. */
export function decodeDatagram(datagram: Buffer): readonly NetlinkReply[] {
  const replies: NetlinkReply[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= datagram.length) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > datagram.length) break;
    replies.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      body: datagram.subarray(at + HEADER_BYTES, at + length),
    });
    at += align(length);
  }
  return replies;
}
