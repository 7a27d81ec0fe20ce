import type { JsonSchema } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';

/** The plugin's configuration with every default filled in. */
export interface PluginConfig {
  readonly bridge: {
    /** Of the default bridge; empty: one that is free is picked. */
    readonly subnet: string;
    readonly range: string;
    readonly gateway: string;
    readonly mtu: number;
    readonly canTalkToEachOther: boolean;
    /** Where ports are published that name no address; empty: everywhere. */
    readonly hostIp: string;
  };
}

export const CONFIG_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    bridge: {
      description: 'The default bridge network.',
      type: 'object',
      additionalProperties: false,
      properties: {
        subnet: { type: 'string', description: 'Subnet, 172.30.0.0/16; picked free of the host’s routes when absent.' },
        range: { type: 'string', description: 'Part of the subnet that containers get their addresses from.' },
        gateway: { type: 'string', description: 'Address of the host on the bridge.' },
        mtu: { type: 'integer', minimum: 68, maximum: 65535, default: 1500 },
        icc: { type: 'boolean', default: true, description: 'Whether containers reach each other.' },
        hostIp: { type: 'string', description: 'Address of the host where ports are published that name none.' },
      },
    },
  },
};

/** Reads a configuration that the schema above has accepted. */
export function parseConfig(config: Readonly<Record<string, unknown>>): PluginConfig {
  const bridge = fieldsOf(config['bridge']);
  const subnet = text(bridge, 'subnet');
  const range = text(bridge, 'range');
  const gateway = text(bridge, 'gateway');
  if (subnet === '' && (range !== '' || gateway !== '')) {
    throw new CleatError('invalid_argument', 'NETWORK_CONFIG_INVALID', 'bridge.range and bridge.gateway need bridge.subnet');
  }
  const mtu = bridge['mtu'];
  return {
    bridge: {
      subnet,
      range,
      gateway,
      mtu: typeof mtu === 'number' ? mtu : 1500,
      canTalkToEachOther: bridge['icc'] !== false,
      hostIp: text(bridge, 'hostIp'),
    },
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function text(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}
