import { isIP } from 'node:net';
import { CleatError } from '@cleat/schemas';
import type { Protocol, PublishedPort } from '../claim-options.ts';
import { ephemeralPorts, hasIpv6 } from '../host-settings.ts';
import type { BoundPort } from '../model.ts';
import type { HeldPort } from './port-relay.ts';
import { holdTcpPort, holdUdpPort } from './port-relay.ts';

/** The ports of one endpoint, held until closed. */
export interface PortReservation {
  readonly ports: readonly BoundPort[];
  /** Tells the relays where the container is. */
  aim(target: { readonly ipv4: string; readonly ipv6: string }): void;
  close(): void;
}

interface Holding {
  readonly bound: BoundPort;
  /** Absent for SCTP, which Node cannot listen on: those are kept apart by this book alone. */
  readonly held: HeldPort | undefined;
}

/** Which ports of the host are given to containers of this instance. */
export class PortBook {
  /** Keys `tcp/8080`, each with the host addresses where it is taken. */
  readonly #taken = new Map<string, Set<string>>();
  #nextEphemeral = 0;

  /**
   * Takes and holds host ports for all that is published, or none.
   *
   * @throws CleatError `conflict` `NETWORK_PORT_TAKEN`: another container has the port, or another program of the host.
   */
  async reserve(published: readonly PublishedPort[], defaultHostIp: string): Promise<PortReservation> {
    const holdings: Holding[] = [];
    const close = (): void => {
      for (const { bound, held } of holdings.splice(0)) {
        held?.close();
        this.#release(bound);
      }
    };
    try {
      for (const port of published) holdings.push(...(await this.#reserveOne(port, defaultHostIp)));
    } catch (error) {
      close();
      throw error;
    }
    return {
      ports: holdings.map(({ bound }) => bound),
      aim: (target) => {
        for (const { bound, held } of holdings) {
          const [own, other] = isIP(bound.hostIp) === 4 ? [target.ipv4, target.ipv6] : [target.ipv6, target.ipv4];
          const address = own === '' ? other : own;
          if (held !== undefined && address !== '') held.target = { address, port: bound.containerPort };
        }
      },
      close,
    };
  }

  /** Takes and holds exactly these ports again, after a restart. Those that somebody else has taken meanwhile are left out. */
  async resume(ports: readonly BoundPort[]): Promise<PortReservation & { readonly lost: readonly BoundPort[] }> {
    const kept: PortReservation[] = [];
    const lost: BoundPort[] = [];
    for (const port of ports) {
      const wanted = { ...port, hostPortEnd: port.hostPort };
      await this.reserve([wanted], '').then(
        (reservation) => kept.push(reservation),
        () => lost.push(port),
      );
    }
    return {
      ports: kept.flatMap((reservation) => reservation.ports),
      lost,
      aim: (target) => kept.forEach((reservation) => reservation.aim(target)),
      close: () => kept.forEach((reservation) => reservation.close()),
    };
  }

  async #reserveOne(port: PublishedPort, defaultHostIp: string): Promise<readonly Holding[]> {
    const hostIps = hostAddresses(port.hostIp === '' ? defaultHostIp : port.hostIp);
    let refusal: CleatError | undefined;
    for (const hostPort of this.#candidates(port)) {
      try {
        return await this.#hold(port, hostIps, hostPort);
      } catch (error) {
        if (!isTaken(error)) throw error;
        refusal ??= error;
      }
    }
    throw refusal ?? new CleatError('resource_exhausted', 'NETWORK_PORTS_EMPTY', 'all ports are allocated');
  }

  /** One port at all of its host addresses. */
  async #hold(port: PublishedPort, hostIps: readonly string[], hostPort: number): Promise<readonly Holding[]> {
    const holdings: Holding[] = [];
    try {
      for (const hostIp of hostIps) {
        const bound: BoundPort = { containerPort: port.containerPort, protocol: port.protocol, hostIp, hostPort };
        this.#take(bound);
        try {
          holdings.push({ bound, held: await listen(bound) });
        } catch (error) {
          this.#release(bound);
          throw bindError(bound, error);
        }
      }
      return holdings;
    } catch (error) {
      for (const { bound, held } of holdings) {
        held?.close();
        this.#release(bound);
      }
      throw error;
    }
  }

  *#candidates(port: PublishedPort): Iterable<number> {
    if (port.hostPort !== 0) {
      for (let candidate = port.hostPort; candidate <= port.hostPortEnd; candidate += 1) yield candidate;
      return;
    }
    const { first, last } = ephemeralPorts();
    const count = last - first + 1;
    for (let tried = 0; tried < count; tried += 1) {
      const candidate = first + (this.#nextEphemeral % count);
      this.#nextEphemeral += 1;
      yield candidate;
    }
  }

  #take(bound: BoundPort): void {
    const key = portKey(bound.protocol, bound.hostPort);
    const addresses = this.#taken.get(key) ?? new Set<string>();
    for (const address of addresses) {
      if (address === bound.hostIp || (isIP(address) === isIP(bound.hostIp) && (isAny(address) || isAny(bound.hostIp)))) {
        throw new CleatError(
          'conflict',
          'NETWORK_PORT_TAKEN',
          `Bind for ${bound.hostIp}:${bound.hostPort} failed: port is already allocated`,
          { hint: 'Another container publishes this port.' },
        );
      }
    }
    this.#taken.set(key, addresses.add(bound.hostIp));
  }

  #release(bound: BoundPort): void {
    const key = portKey(bound.protocol, bound.hostPort);
    const addresses = this.#taken.get(key);
    addresses?.delete(bound.hostIp);
    if (addresses?.size === 0) this.#taken.delete(key);
  }
}

function portKey(protocol: Protocol, port: number): string {
  return `${protocol}/${port}`;
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Without an address a port is published on all of both families, as far as the host has them. */
function hostAddresses(hostIp: string): readonly string[] {
  if (hostIp !== '') return [hostIp];
  return hasIpv6() ? ['0.0.0.0', '::'] : ['0.0.0.0'];
}

async function listen(bound: BoundPort): Promise<HeldPort | undefined> {
  switch (bound.protocol) {
    case 'tcp':
      return holdTcpPort(bound.hostIp, bound.hostPort);
    case 'udp':
      return holdUdpPort(bound.hostIp, bound.hostPort);
    case 'sctp':
      return undefined;
  }
}

function isTaken(error: unknown): error is CleatError {
  return error instanceof CleatError && error.code === 'NETWORK_PORT_TAKEN';
}

/** An error of bind(2) or listen(2) in the words that Docker's clients know. */
function bindError(bound: BoundPort, error: unknown): CleatError {
  const name = error instanceof Error && 'code' in error ? String(error.code) : '';
  const what = `failed to bind host port for ${bound.hostIp}:${bound.hostPort}/${bound.protocol}`;
  if (name === 'EADDRINUSE') return new CleatError('conflict', 'NETWORK_PORT_TAKEN', `${what}: address already in use`, { cause: error });
  if (name === 'EADDRNOTAVAIL')
    return new CleatError('invalid_argument', 'NETWORK_PORT_ADDRESS', `${what}: cannot assign requested address`, { cause: error });
  if (name === 'EACCES') return new CleatError('permission_denied', 'NETWORK_PORT_DENIED', `${what}: permission denied`, { cause: error });
  return new CleatError('internal', 'NETWORK_PORT_FAILED', `${what}: ${name === '' ? String(error) : name}`, { cause: error });
}
