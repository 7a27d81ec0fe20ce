import { randomInt } from 'node:crypto';
import type { Socket as DatagramSocket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { isIP, Socket } from 'node:net';
import {
  AF_INET,
  AF_INET6,
  bindInet,
  closeDescriptor,
  connectInet,
  rawSocket,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  withNetworkNamespace,
} from '@cleat/sdk/namespaces';
import { isLoopback } from './resolv-conf.ts';

const SERVERS = 3;
const SERVER_TIME_LIMIT_MS = 4000;
const IN_FLIGHT = 1024;
const DNS_PORT = 53;
const SERVER_FAILURE = 2;
const REFUSED = 5;
const HEADER_BYTES = 12;

/** The servers that are asked, in this order. */
export interface Upstreams {
  readonly servers: readonly string[];
  /** They are the host's own: one on a loopback address is on the host's, and asked from there. */
  readonly areHosts: boolean;
}

export interface ForwardRequest {
  readonly query: Buffer;
  readonly transport: 'udp' | 'tcp';
  readonly upstreams: Upstreams;
  /** The container's, from where servers are asked. */
  readonly namespace: string;
}

/** Asks other name servers on behalf of containers. */
export class Forwarder {
  #inFlight = 0;

  /** The first usable answer; undefined when no server gives one. */
  async forward(request: ForwardRequest): Promise<Buffer | undefined> {
    if (this.#inFlight >= IN_FLIGHT) return undefined;
    this.#inFlight += 1;
    try {
      let last: Buffer | undefined;
      for (const server of request.upstreams.servers.slice(0, SERVERS)) {
        const answer = await this.#ask(server, request);
        if (answer === undefined) continue;
        const rcode = answer.readUInt8(3) & 0xf;
        if (rcode !== SERVER_FAILURE && rcode !== REFUSED) return answer;
        last = answer;
      }
      return last;
    } finally {
      this.#inFlight -= 1;
    }
  }

  async #ask(server: string, request: ForwardRequest): Promise<Buffer | undefined> {
    // An id and a port of our own: a program in the container must not be able to foretell either.
    const id = randomInt(0x10000);
    const query = Buffer.from(request.query);
    query.writeUInt16BE(id, 0);
    const namespace = request.upstreams.areHosts && isLoopback(server) ? undefined : request.namespace;
    try {
      const answer = await (request.transport === 'udp' ? askByUdp : askByTcp)(server, query, namespace);
      answer?.writeUInt16BE(request.query.readUInt16BE(0), 0);
      return answer;
    } catch {
      // No route, no such namespace any more, refused: this server does not answer, the next may.
      return undefined;
    }
  }
}

function askByUdp(server: string, query: Buffer, namespace: string | undefined): Promise<Buffer | undefined> {
  const isV6 = isIP(server) === 6;
  const socket = createSocket(isV6 ? 'udp6' : 'udp4');
  if (namespace !== undefined) adopt(socket, namespace, isV6);
  return new Promise((resolve) => {
    let isOpen = true;
    const end = (answer: Buffer | undefined): void => {
      if (!isOpen) return;
      isOpen = false;
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    // It is given an error when there is no route, which the types do not say.
    const onConnected = (error?: unknown): void => {
      if (error === undefined || error === null) socket.send(query);
      else end(undefined);
    };
    const timer = setTimeout(() => end(undefined), SERVER_TIME_LIMIT_MS);
    socket.on('error', () => end(undefined));
    socket.on('message', (message) => {
      if (isAnswerTo(message, query)) end(message);
    });
    // Connected, it hears nobody else, and of a closed port at once.
    socket.connect(DNS_PORT, server, onConnected);
  });
}

/** Gives the socket a descriptor that lives in the namespace. */
function adopt(socket: DatagramSocket, namespace: string, isV6: boolean): void {
  const fd = withNetworkNamespace(namespace, () => {
    const made = rawSocket(isV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK);
    return afterOpening(made, () => bindInet(made, isV6 ? '::' : '0.0.0.0', 0));
  });
  socket.bind({ fd });
}

function askByTcp(server: string, query: Buffer, namespace: string | undefined): Promise<Buffer | undefined> {
  const socket = namespace === undefined ? new Socket().connect(DNS_PORT, server) : new Socket({ fd: connectIn(namespace, server) });
  return new Promise((resolve) => {
    const end = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), SERVER_TIME_LIMIT_MS);
    let received = Buffer.alloc(0);
    socket.on('error', () => end(undefined));
    socket.on('close', () => end(undefined));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const message = received.subarray(2, 2 + received.readUInt16BE(0));
      end(isAnswerTo(message, query) ? message : undefined);
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length, 0);
    socket.write(Buffer.concat([length, query]));
  });
}

function connectIn(namespace: string, server: string): number {
  return withNetworkNamespace(namespace, () => {
    const made = rawSocket(isIP(server) === 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    return afterOpening(made, () => connectInet(made, server, DNS_PORT));
  });
}

/** The descriptor after one more step; closed when the step fails. */
function afterOpening(fd: number, step: () => void): number {
  try {
    step();
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

function isAnswerTo(message: Buffer, query: Buffer): boolean {
  return message.length >= HEADER_BYTES && message.readUInt16BE(0) === query.readUInt16BE(0) && (message.readUInt8(2) & 0x80) !== 0;
}
