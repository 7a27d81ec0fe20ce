import type { BodyWriter } from './message.ts';

/** One step of a rule. The first register holds what was loaded last; `setTarget` uses the first two. */
export interface Expression {
  readonly name: string;
  readonly write: (data: BodyWriter) => void;
}

const NFT_REG_1 = 1;
const NFT_REG_2 = 2;
const NFTA_PAYLOAD = { register: 1, base: 2, offset: 3, length: 4 } as const;
const PAYLOAD_BASES = { link: 0, network: 1, transport: 2 } as const;
const NFTA_META = { register: 1, key: 2 } as const;
const NFT_META_L4PROTO = 16;
const NFTA_CMP = { register: 1, operation: 2, data: 3 } as const;
const NFT_CMP_EQ = 0;
const NFTA_DATA_VALUE = 1;
const NFTA_IMMEDIATE = { register: 1, data: 2 } as const;
const NFTA_NAT = { type: 1, family: 2, addressMin: 3, protocolMin: 5 } as const;
const NFT_NAT_DNAT = 1;

/** Loads bytes of the packet, counted from the start of a header. */
export function loadPayload(base: keyof typeof PAYLOAD_BASES, offset: number, length: number): Expression {
  return {
    name: 'payload',
    write: (data) =>
      void data
        .u32be(NFTA_PAYLOAD.register, NFT_REG_1)
        .u32be(NFTA_PAYLOAD.base, PAYLOAD_BASES[base])
        .u32be(NFTA_PAYLOAD.offset, offset)
        .u32be(NFTA_PAYLOAD.length, length),
  };
}

/** Loads the number of the transport protocol. */
export function loadProtocol(): Expression {
  return { name: 'meta', write: (data) => void data.u32be(NFTA_META.register, NFT_REG_1).u32be(NFTA_META.key, NFT_META_L4PROTO) };
}

/** Ends the rule for packets whose loaded bytes differ. */
export function expectEqual(value: Buffer): Expression {
  return {
    name: 'cmp',
    write: (data) =>
      void data
        .u32be(NFTA_CMP.register, NFT_REG_1)
        .u32be(NFTA_CMP.operation, NFT_CMP_EQ)
        .nest(NFTA_CMP.data, (inner) => void inner.bytes(NFTA_DATA_VALUE, value)),
  };
}

/** Sends the flow to another address and port (destination NAT; both in the byte order of the wire). */
export function redirectTo(family: number, address: Buffer, port: number): readonly Expression[] {
  const portBytes = Buffer.from([port >> 8, port & 0xff]);
  return [
    immediate(NFT_REG_1, address),
    immediate(NFT_REG_2, portBytes),
    {
      name: 'nat',
      write: (data) =>
        void data
          .u32be(NFTA_NAT.type, NFT_NAT_DNAT)
          .u32be(NFTA_NAT.family, family)
          .u32be(NFTA_NAT.addressMin, NFT_REG_1)
          .u32be(NFTA_NAT.protocolMin, NFT_REG_2),
    },
  ];
}

function immediate(register: number, value: Buffer): Expression {
  return {
    name: 'immediate',
    write: (data) =>
      void data.u32be(NFTA_IMMEDIATE.register, register).nest(NFTA_IMMEDIATE.data, (inner) => void inner.bytes(NFTA_DATA_VALUE, value)),
  };
}
