import type { Socket as DatagramSocket, RemoteInfo } from 'node:dgram';
import { createSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import { connect, createServer, isIP } from 'node:net';

/** Where a relay sends what reaches it; undefined until the container has its address. */
export interface RelayTarget {
  readonly address: string;
  readonly port: number;
}

/**
 * A host port held by a listening socket, so that no other program of the host takes it. The firewall's table leads
 * packets past it to the container; what still arrives here (::1, and IPv6 to a container without) is passed on by hand.
 */
export interface HeldPort {
  readonly port: number;
  target: RelayTarget | undefined;
  close(): void;
}

/** A client of a UDP relay that has said nothing for this long is forgotten, as in dockerd's proxy. */
const UDP_IDLE_MS = 90_000;
const UDP_CLIENTS = 1024;
const BACKLOG = 1024;

export async function holdTcpPort(host: string, port: number): Promise<HeldPort> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: true, exclusive: true, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return new HeldTcpPort(server, port);
}

class HeldTcpPort implements HeldPort {
  readonly port: number;
  target: RelayTarget | undefined;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();

  constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (client) => this.#relay(client));
    // An accept that fails (too many descriptors) costs that connection, not the port.
    server.on('error', () => undefined);
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #relay(client: Socket): void {
    const { target } = this;
    if (target === undefined) {
      client.destroy();
      return;
    }
    const upstream = connect({ host: target.address, port: target.port, allowHalfOpen: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#connections.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#connections.delete(from);
        if (from.destroyed && !from.readableEnded) to.destroy();
      });
      from.pipe(to);
    }
  }
}

export async function holdUdpPort(host: string, port: number): Promise<HeldPort> {
  const isV6 = isIP(host) === 6;
  const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6 });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
  return new HeldUdpPort(socket, port);
}

interface UdpClient {
  readonly upstream: DatagramSocket;
  readonly idle: NodeJS.Timeout;
}

class HeldUdpPort implements HeldPort {
  readonly port: number;
  target: RelayTarget | undefined;
  readonly #socket: DatagramSocket;
  readonly #clients = new Map<string, UdpClient>();

  constructor(socket: DatagramSocket, port: number) {
    this.#socket = socket;
    this.port = port;
    socket.on('message', (message, from) => this.#relay(message, from));
    // A client that cannot be answered (its port is closed) is no reason to give the port up.
    socket.on('error', () => undefined);
  }

  close(): void {
    for (const name of [...this.#clients.keys()]) this.#forget(name);
    this.#socket.close();
  }

  #relay(message: Buffer, from: RemoteInfo): void {
    const { target } = this;
    if (target === undefined) return;
    const name = `${from.address}/${from.port}`;
    const client = this.#clients.get(name) ?? this.#greet(name, from, target);
    client?.idle.refresh();
    client?.upstream.send(message, target.port, target.address);
  }

  #greet(name: string, from: RemoteInfo, target: RelayTarget): UdpClient | undefined {
    if (this.#clients.size >= UDP_CLIENTS) return undefined;
    const upstream = createSocket(isIP(target.address) === 6 ? 'udp6' : 'udp4');
    upstream.on('message', (answer) => {
      this.#clients.get(name)?.idle.refresh();
      this.#socket.send(answer, from.port, from.address);
    });
    upstream.on('error', () => this.#forget(name));
    const idle = setTimeout(() => this.#forget(name), UDP_IDLE_MS).unref();
    const client = { upstream, idle };
    this.#clients.set(name, client);
    return client;
  }

  #forget(name: string): void {
    const client = this.#clients.get(name);
    if (client === undefined) return;
    this.#clients.delete(name);
    clearTimeout(client.idle);
    client.upstream.close();
  }
}
