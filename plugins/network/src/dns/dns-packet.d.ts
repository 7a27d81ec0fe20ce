/** What is used of dns-packet, which brings no types of its own. */
declare module 'dns-packet' {
  export interface Question {
    name: string;
    type: string;
    class?: string;
  }
  export interface Record {
    name: string;
    type: string;
    ttl?: number;
    class?: string;
    data?: string;
    udpPayloadSize?: number;
    flags?: number;
    options?: readonly unknown[];
  }
  export interface Packet {
    type?: 'query' | 'response';
    id?: number;
    flags?: number;
    questions?: Question[];
    answers?: Record[];
    authorities?: Record[];
    additionals?: Record[];
  }
  export function decode(message: Buffer): Packet & { opcode?: string };
  export function encode(packet: Packet): Buffer;
  export const RECURSION_DESIRED: number;
  export const RECURSION_AVAILABLE: number;
  export const AUTHORITATIVE_ANSWER: number;
  export const TRUNCATED_RESPONSE: number;
}
