/** Plugins in processes of their own for the tests of the suites: SUITE_PLUGIN names one. */
import type { Manifest } from '@cleat/schemas';
import { definePlugin, type PluginDefinition, type ProviderHandlers, run, type ServiceHandlers } from '../src/index.ts';

const COMMON = { cleat: 1, version: '1.0.0' } as const;

export const VOLUMES: Manifest = { ...COMMON, name: 'volumes', contracts: { volume: ['1.0'] }, services: ['volume'] };

export const FORGETFUL: Manifest = {
  ...COMMON,
  name: 'forgetful',
  contracts: { provider: ['1.0'] },
  provides: [{ kind: 'fake', reserve: true, attach: true }],
};

function volumes(): ServiceHandlers<'volume'> {
  const made = new Map<string, { name: string; driver: string; mountpoint: string; createdAt: bigint }>();
  return {
    create: async ({ name }) => {
      const info = { name: name || `anonymous-${made.size}`, driver: 'local', mountpoint: '/m', createdAt: 0n };
      made.set(info.name, info);
      return info;
    },
    inspect: async ({ name }) => made.get(name) ?? { name, driver: 'local', mountpoint: '', createdAt: 0n },
    list: async () => ({ volumes: [...made.values()] }),
    remove: async ({ name }) => {
      made.delete(name);
      return {};
    },
    prune: async () => ({}),
  };
}

/** Gives what its manifest does not ask for, and says after a restart that it has nothing. */
const forgetful: ProviderHandlers = {
  reserve: async () => ({}),
  release: async () => ({}),
  attach: async () => ({ contribution: { environment: ['A=1'] } }),
  detach: async () => ({}),
  reconcile: async ({ held }) => ({ lacks: held.map(({ reference }) => reference) }),
};

export const DEFINITIONS: Readonly<Record<string, PluginDefinition>> = {
  volumes: definePlugin({ manifest: VOLUMES, setup: () => ({ services: { volume: volumes() } }) }),
  forgetful: definePlugin({ manifest: FORGETFUL, setup: () => ({ providers: { fake: forgetful } }) }),
};

const wanted = DEFINITIONS[process.env['SUITE_PLUGIN'] ?? ''];
if (wanted !== undefined) await run(wanted);
