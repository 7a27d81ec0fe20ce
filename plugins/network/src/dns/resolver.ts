import { isIP } from 'node:net';
import { addressText } from '@cleat/sdk/netlink';
import type { Packet, Question, Record as ResourceRecord } from 'dns-packet';
import dnsPacket from 'dns-packet';

/** What is known of the names that one container sees. */
export interface NameView {
  /** Addresses that a name (lower case, without a closing dot) has; undefined when the name is not one of a container. */
  addresses(name: string, family: 4 | 6): readonly string[] | undefined;
  /** The full name of the container that has an address. */
  nameOf(address: string): string | undefined;
  /** Names without a dot are looked up among containers alone (the user set ndots). */
  readonly keepsSingleLabels: boolean;
}

/** How a query is to be answered. */
export type Resolution =
  | { readonly type: 'answer'; readonly message: Buffer }
  | { readonly type: 'forward'; readonly query: Buffer }
  | { readonly type: 'ignore' };

const TTL_S = 600;
const PLAIN_UDP_BYTES = 512;
const RCODE = { noError: 0, formatError: 1, serverFailure: 2, notImplemented: 4 } as const;
const HEADER_BYTES = 12;

/** Answers a query about containers, or says that it is about others. */
export function resolve(query: Buffer, view: NameView, transport: 'udp' | 'tcp'): Resolution {
  if (query.length < HEADER_BYTES || (query.readUInt8(2) & 0x80) !== 0) return { type: 'ignore' };
  let packet: Packet & { opcode?: string };
  try {
    packet = dnsPacket.decode(query);
  } catch {
    return { type: 'answer', message: failure(query, RCODE.formatError) };
  }
  const [question] = packet.questions ?? [];
  if (packet.opcode !== undefined && packet.opcode !== 'QUERY') return { type: 'answer', message: failure(query, RCODE.notImplemented) };
  if (question === undefined) return { type: 'answer', message: failure(query, RCODE.formatError) };
  const answers = answersFor(question, view);
  if (answers === undefined) return { type: 'forward', query };
  return { type: 'answer', message: encodeAnswer(packet, question, answers, transport) };
}

/** The answer that nobody could be asked. */
export function serverFailure(query: Buffer): Buffer {
  return failure(query, RCODE.serverFailure);
}

/** Records that answer the question; none for a name that has no such records; undefined when it is not about containers. */
function answersFor(question: Question, view: NameView): readonly ResourceRecord[] | undefined {
  const name = question.name.toLowerCase().replace(/\.$/, '');
  switch (question.type) {
    case 'A':
    case 'AAAA': {
      const type = question.type;
      const addresses = view.addresses(name, type === 'A' ? 4 : 6);
      if (addresses === undefined) return view.keepsSingleLabels && !name.includes('.') ? [] : undefined;
      return shuffled(addresses).map((data) => ({ name: question.name, type, ttl: TTL_S, class: 'IN', data }));
    }
    case 'PTR': {
      const address = reverseAddress(name);
      const owner = address === undefined ? undefined : view.nameOf(address);
      return owner === undefined ? undefined : [{ name: question.name, type: 'PTR', ttl: TTL_S, class: 'IN', data: owner }];
    }
    default:
      // A container's name exists, it only has no mail exchanger and the like.
      return view.addresses(name, 4) === undefined ? undefined : [];
  }
}

function encodeAnswer(query: Packet, question: Question, answers: readonly ResourceRecord[], transport: 'udp' | 'tcp'): Buffer {
  const edns = query.additionals?.find((record) => record.type === 'OPT');
  const additionals: ResourceRecord[] = edns === undefined ? [] : [{ name: '.', type: 'OPT', udpPayloadSize: 4096, flags: 0, options: [] }];
  const flags = ((query.flags ?? 0) & dnsPacket.RECURSION_DESIRED) | dnsPacket.RECURSION_AVAILABLE;
  const packet: Packet = { type: 'response', id: query.id ?? 0, flags, questions: [question], answers: [...answers], additionals };
  const message = dnsPacket.encode(packet);
  const limit = transport === 'tcp' ? 65535 : Math.max(PLAIN_UDP_BYTES, edns?.udpPayloadSize ?? PLAIN_UDP_BYTES);
  if (message.length <= limit) return message;
  return dnsPacket.encode({ ...packet, flags: flags | dnsPacket.TRUNCATED_RESPONSE, answers: [] });
}

/** The query's own header and question with an error code, which also fits queries that cannot be read. */
function failure(query: Buffer, rcode: number): Buffer {
  const answer = Buffer.from(rcode === RCODE.formatError ? query.subarray(0, HEADER_BYTES) : query);
  answer.writeUInt8((answer.readUInt8(2) & 0x79) | 0x80, 2);
  answer.writeUInt8(0x80 | rcode, 3);
  if (rcode === RCODE.formatError) answer.fill(0, 4, HEADER_BYTES);
  return answer;
}

function reverseAddress(name: string): string | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (v4 !== null) {
    const address = v4.slice(1).reverse().join('.');
    return isIP(address) === 4 ? address : undefined;
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  return v6?.[1] === undefined ? undefined : addressText(Buffer.from(v6[1].split('.').reverse().join(''), 'hex'));
}

/** In another order every time, so that clients that take the first spread over all. */
function shuffled(addresses: readonly string[]): readonly string[] {
  const result = [...addresses];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    const [a, b] = [result[last], result[other]];
    if (a !== undefined && b !== undefined) [result[last], result[other]] = [b, a];
  }
  return result;
}
