import { join } from 'node:path';
import { Platform } from '../platform/platform.ts';

/** The disk that outlives the power. */
const DISK = '/data';

export const FLEET_SIZE = 50;
/** So many are started before the power is cut, and some are being started then. */
export const STARTED_AT_CUT = 42;
export const LEDGER: string = join(DISK, 'ledger');
export const CREDENTIALS: string = join(DISK, 'consumer.json');
export const VOLUME = 'fleet-data';
export const CONSUMER = 'audit';

/** The platform of both boots: what it keeps is on the disk, its run directory where a boot empties it. */
export function fleetPlatform(): Platform {
  return new Platform(join(DISK, 'platform'), '/run/cleat-fleet');
}

export interface Member {
  readonly name: string;
  readonly request: object;
}

/** Containers of three sorts: on the bridge with a published port, with a volume that all of them write to, and plain ones. */
export function fleet(): readonly Member[] {
  return Array.from({ length: FLEET_SIZE }, (_, index) => ({ name: `fleet-${index}`, request: requestOf(index) }));
}

export function hasPort(name: string): boolean {
  return sortOf(Number(name.split('-')[1])) === 'port';
}

function sortOf(index: number): 'port' | 'volume' | 'plain' {
  if (index % 10 === 0) return 'port';
  return index % 10 === 5 ? 'volume' : 'plain';
}

function requestOf(index: number): object {
  const sort = sortOf(index);
  const policy = { RestartPolicy: { Name: 'always' } };
  const Image = 'busybox:latest';
  if (sort === 'plain') return { Image, Cmd: ['sleep', '1000000'], HostConfig: { ...policy, NetworkMode: 'none' } };
  if (sort === 'volume') {
    const script = `echo ${index} >> /data/runs; exec sleep 1000000`;
    return { Image, Cmd: ['sh', '-c', script], HostConfig: { ...policy, NetworkMode: 'none', Binds: [`${VOLUME}:/data`] } };
  }
  const script = `mkdir -p /www; echo fleet-${index} > /www/index.html; exec httpd -f -p 80 -h /www`;
  const PortBindings = { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] };
  return { Image, Cmd: ['sh', '-c', script], ExposedPorts: { '80/tcp': {} }, HostConfig: { ...policy, PortBindings } };
}
