import type { PluginContext } from '@cleat/sdk';

/** What of the platform the gateway stands on: calls and events, nothing else. */
export type Backend = Pick<PluginContext, 'call' | 'subscribe' | 'decodeEvent' | 'log' | 'nodeName' | 'instanceId'>;
