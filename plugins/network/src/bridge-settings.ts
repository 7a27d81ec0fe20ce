import { isIP } from 'node:net';
import { CleatError } from '@cleat/schemas';

/** What the options of a bridge network say. */
export interface BridgeSettings {
  /** Name of the host's bridge; absent: one of ours. */
  readonly bridgeName: string | undefined;
  /** Containers of the network reach each other. */
  readonly canTalkToEachOther: boolean;
  readonly isMasqueraded: boolean;
  /** Where ports are published that name no address; empty: everywhere. */
  readonly hostIp: string;
  readonly mtu: number | undefined;
  /** Interfaces in containers are called <prefix>0, <prefix>1, ... */
  readonly interfacePrefix: string;
}

const PREFIX = 'com.docker.network.';
const OPTIONS = {
  name: `${PREFIX}bridge.name`,
  icc: `${PREFIX}bridge.enable_icc`,
  masquerade: `${PREFIX}bridge.enable_ip_masquerade`,
  hostIp: `${PREFIX}bridge.host_binding_ipv4`,
  defaultBridge: `${PREFIX}bridge.default_bridge`,
  mtu: `${PREFIX}driver.mtu`,
  interfacePrefix: `${PREFIX}container_iface_prefix`,
} as const;
const KNOWN: ReadonlySet<string> = new Set(Object.values(OPTIONS));
const LINK_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;

/** Docker's option names and their meaning; one that is not known is refused rather than ignored. */
export function parseBridgeSettings(options: Readonly<Record<string, string>>): BridgeSettings {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) {
      throw new CleatError('unimplemented', 'NETWORK_OPTION_UNKNOWN', `the bridge driver does not know the option ${name}`, {
        hint: `It knows ${[...KNOWN].join(', ')}.`,
      });
    }
  }
  return {
    bridgeName: linkName(options, OPTIONS.name),
    canTalkToEachOther: flag(options, OPTIONS.icc, true),
    isMasqueraded: flag(options, OPTIONS.masquerade, true),
    hostIp: bindingAddress(options[OPTIONS.hostIp]),
    mtu: mtu(options[OPTIONS.mtu]),
    interfacePrefix: linkName(options, OPTIONS.interfacePrefix) ?? 'eth',
  };
}

function flag(options: Readonly<Record<string, string>>, name: string, absent: boolean): boolean {
  const value = options[name];
  if (value === undefined) return absent;
  if (['1', 't', 'true'].includes(value.toLowerCase())) return true;
  if (['0', 'f', 'false'].includes(value.toLowerCase())) return false;
  throw invalid(name, value, 'true or false');
}

function linkName(options: Readonly<Record<string, string>>, name: string): string | undefined {
  const value = options[name];
  if (value === undefined || value === '') return undefined;
  if (!LINK_NAME.test(value)) throw invalid(name, value, 'a name of at most 15 letters, digits, dots, dashes and underscores');
  return value;
}

function bindingAddress(value: string | undefined): string {
  if (value === undefined || value === '' || value === '0.0.0.0') return '';
  if (isIP(value) !== 4) throw invalid(OPTIONS.hostIp, value, 'an IPv4 address');
  return value;
}

function mtu(value: string | undefined): number | undefined {
  if (value === undefined || value === '' || value === '0') return undefined;
  const bytes = Number(value);
  if (!Number.isInteger(bytes) || bytes < 68 || bytes > 65535) throw invalid(OPTIONS.mtu, value, 'a number from 68 to 65535');
  return bytes;
}

function invalid(name: string, value: string, expected: string): CleatError {
  return new CleatError('invalid_argument', 'NETWORK_OPTION_INVALID', `invalid value "${value}" of ${name}: it must be ${expected}`);
}
