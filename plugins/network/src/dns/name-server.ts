import type { Socket as DatagramSocket, RemoteInfo } from 'node:dgram';
import { createSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { isCleatError } from '@cleat/schemas';
import {
  AF_INET,
  bindInet,
  closeDescriptor,
  listenSocket,
  localPort,
  rawSocket,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  withNetworkNamespace,
} from '@cleat/sdk/namespaces';
import type { NetlinkMessage } from '@cleat/sdk/netlink';
import {
  addBaseChain,
  addNewTable,
  addRule,
  addressBytes,
  deleteTable,
  expectEqual,
  isNetlinkErrno,
  loadPayload,
  loadProtocol,
  NFPROTO,
  Nftables,
  redirectTo,
} from '@cleat/sdk/netlink';
import type { Forwarder, Upstreams } from './forwarder.ts';
import { NAME_SERVER_ADDRESS } from './name-server-address.ts';
import type { NameView } from './resolver.ts';
import { resolve, serverFailure } from './resolver.ts';

const TABLE = { family: 'ip', name: 'cleat-dns' } as const;
/** Above the ports that the kernel gives to connections; taken again after a restart, so that the rules stay right. */
const PREFERRED_PORT = 61953;
const DNS_PORT = Buffer.from([0, 53]);
const TCP = 6;
const UDP = 17;
const TCP_IDLE_MS = 10_000;
const TCP_CLIENTS = 64;

/** What a name server asks for each query. */
export interface NameSource {
  view(): NameView;
  /** Whom it asks about other names. */
  upstreams(): Promise<Upstreams>;
}

/**
 * The name server at 127.0.0.11 inside one container's network namespace. It listens on high ports that a rule in the
 * namespace leads port 53 to, so that the container may itself listen on port 53 of all addresses.
 */
export class NameServer {
  readonly #namespace: string;
  readonly #source: NameSource;
  readonly #forwarder: Forwarder;
  readonly #udp: DatagramSocket;
  readonly #tcp: Server;
  readonly #clients = new Set<Socket>();

  private constructor(
    namespace: string,
    source: NameSource,
    forwarder: Forwarder,
    descriptors: { readonly udp: number; readonly tcp: number },
  ) {
    this.#namespace = namespace;
    this.#source = source;
    this.#forwarder = forwarder;
    this.#udp = createSocket('udp4');
    this.#udp.on('message', (query, from) => void this.#onDatagram(query, from));
    // The container may close the port it asked from before the answer comes.
    this.#udp.on('error', () => undefined);
    this.#udp.bind({ fd: descriptors.udp });
    this.#tcp = createServer((client) => this.#onClient(client));
    this.#tcp.on('error', () => undefined);
    this.#tcp.listen({ fd: descriptors.tcp });
  }

  static open(namespace: string, source: NameSource, forwarder: Forwarder): NameServer {
    const descriptors = withNetworkNamespace(namespace, openInNamespace);
    return new NameServer(namespace, source, forwarder, descriptors);
  }

  /** Open sockets keep a namespace alive: they are closed before it is given up. */
  close(): void {
    this.#udp.close();
    this.#tcp.close();
    for (const client of this.#clients) client.destroy();
  }

  async #onDatagram(query: Buffer, from: RemoteInfo): Promise<void> {
    const answer = await this.#answer(query, 'udp');
    if (answer === undefined) return;
    try {
      this.#udp.send(answer, from.port, from.address);
    } catch {
      // Closed while an upstream was asked: nobody waits any more.
    }
  }

  #onClient(client: Socket): void {
    if (this.#clients.size >= TCP_CLIENTS) {
      client.destroy();
      return;
    }
    this.#clients.add(client);
    let received = Buffer.alloc(0);
    client.setTimeout(TCP_IDLE_MS, () => client.destroy());
    client.on('error', () => client.destroy());
    client.on('close', () => this.#clients.delete(client));
    client.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const query = received.subarray(2, 2 + received.readUInt16BE(0));
        received = received.subarray(2 + query.length);
        void this.#answerClient(client, query);
      }
    });
  }

  async #answerClient(client: Socket, query: Buffer): Promise<void> {
    const answer = await this.#answer(query, 'tcp');
    if (answer === undefined || client.destroyed) return;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(answer.length, 0);
    client.write(Buffer.concat([length, answer]));
  }

  /** Never rejects: a query that cannot be answered is answered so. */
  async #answer(query: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    try {
      const resolution = resolve(query, this.#source.view(), transport);
      switch (resolution.type) {
        case 'answer':
          return resolution.message;
        case 'ignore':
          return undefined;
        case 'forward': {
          const upstreams = await this.#source.upstreams();
          const answer = await this.#forwarder.forward({ query, transport, upstreams, namespace: this.#namespace });
          return answer ?? serverFailure(query);
        }
      }
    } catch {
      return query.length >= 12 ? serverFailure(query) : undefined;
    }
  }
}

/** Sockets and rules, made while the thread is in the container's namespace. */
function openInNamespace(): { readonly udp: number; readonly tcp: number } {
  const opened: number[] = [];
  const open = (type: number): number => {
    const fd = rawSocket(AF_INET, type | SOCK_NONBLOCK);
    opened.push(fd);
    bindPreferred(fd);
    return fd;
  };
  try {
    const udp = open(SOCK_DGRAM);
    const tcp = open(SOCK_STREAM);
    listenSocket(tcp, TCP_CLIENTS);
    const nftables = Nftables.open();
    try {
      redirect(nftables, localPort(udp), localPort(tcp));
    } finally {
      nftables.close();
    }
    return { udp, tcp };
  } catch (error) {
    for (const fd of opened) closeDescriptor(fd);
    throw error;
  }
}

/** The container may have taken the port while no name server held it. */
function bindPreferred(fd: number): void {
  try {
    bindInet(fd, NAME_SERVER_ADDRESS, PREFERRED_PORT);
  } catch (error) {
    if (!isCleatError(error) || error.details['errno'] !== 'EADDRINUSE') throw error;
    bindInet(fd, NAME_SERVER_ADDRESS, 0);
  }
}

/** The chain's name says where it leads, so that a restart sees whether it is right. Replacing a table costs the kernel 30 ms. */
function redirect(nftables: Nftables, udpPort: number, tcpPort: number): void {
  const chain = `output-${udpPort}-${tcpPort}`;
  if (nftables.hasChain(TABLE, chain)) return;
  const content = redirections(chain, udpPort, tcpPort);
  try {
    nftables.transact([addNewTable(TABLE), ...content]);
  } catch (error) {
    if (!isNetlinkErrno(error, 'EEXIST')) throw error;
    nftables.transact([deleteTable(TABLE), addNewTable(TABLE), ...content]);
  }
}

/** The rules that lead port 53 here. */
function redirections(chain: string, udpPort: number, tcpPort: number): readonly NetlinkMessage[] {
  const address = addressBytes(NAME_SERVER_ADDRESS);
  const rule = (protocol: number, port: number): NetlinkMessage =>
    addRule(TABLE, chain, [
      loadPayload('network', 16, 4),
      expectEqual(address),
      loadProtocol(),
      expectEqual(Buffer.from([protocol])),
      loadPayload('transport', 2, 2),
      expectEqual(DNS_PORT),
      ...redirectTo(NFPROTO.ip, address, port),
    ]);
  return [addBaseChain(TABLE, { name: chain, type: 'nat', hook: 'output', priority: -100 }), rule(UDP, udpPort), rule(TCP, tcpPort)];
}
