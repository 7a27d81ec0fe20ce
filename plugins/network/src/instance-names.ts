import { createHash } from 'node:crypto';
import type { TableName } from '@cleat/sdk/netlink';

/** IFNAMSIZ without the closing NUL. */
const LINK_NAME_LENGTH = 15;
const SUFFIX_LENGTH = 5;
const BASE_32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * Names of what this instance of Cleat makes on the host. All carry the instance's id (8 hex digits), so that several
 * instances, and a dockerd, share a host without touching each other's, and so that leftovers are found by their name.
 */
export interface InstanceNames {
  readonly table: TableName;
  /** All bridges begin with it: `cl1a2b3c4d`. */
  readonly bridgePrefix: string;
  /** All host ends of container links begin with it: `ve1a2b3c4d`. */
  readonly linkPrefix: string;
  /** Links waiting to be deleted are in this group. */
  readonly doomedGroup: number;
  bridge(networkId: string, attempt: number): string;
  hostLink(endpointId: string, attempt: number): string;
}

export function instanceNames(instanceId: string): InstanceNames {
  const bridgePrefix = `cl${instanceId}`;
  const linkPrefix = `ve${instanceId}`;
  return {
    table: { family: 'inet', name: `cleat-${instanceId}` },
    bridgePrefix,
    linkPrefix,
    doomedGroup: (Number.parseInt(instanceId, 16) & 0x3fffffff) | 0x40000000,
    bridge: (networkId, attempt) => named(bridgePrefix, networkId, attempt),
    hostLink: (endpointId, attempt) => named(linkPrefix, endpointId, attempt),
  };
}

/** Five letters hold 25 bits: now and then two objects meet in a name, and the second takes its next attempt's. */
function named(prefix: string, id: string, attempt: number): string {
  const digest = createHash('sha256').update(`${id}/${attempt}`).digest();
  const suffix = Array.from(digest.subarray(0, SUFFIX_LENGTH), (byte) => BASE_32[byte & 31]).join('');
  return `${prefix}${suffix}`.slice(0, LINK_NAME_LENGTH);
}
