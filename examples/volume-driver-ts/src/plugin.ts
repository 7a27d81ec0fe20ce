import { join } from 'node:path';
import { definePlugin, type PluginDefinition, type ProviderHandlers, readManifest } from '@cleat/sdk';
import { MemoryMounts } from './mounts.ts';
import { sizeIn } from './options.ts';

/** A volume is a tmpfs from its create to its remove. After a boot of the host it is there again, and empty. */
function volumeDriver(mounts: MemoryMounts): ProviderHandlers {
  return {
    reserve: async ({ reference, options }) => {
      await mounts.mount(reference.object, sizeIn(options));
      return { status: JSON.stringify({ mountpoint: mounts.pathOf(reference.object) }) };
    },
    release: async ({ reference, purge }) => {
      // Without purge the data is to stay: somebody else may still know the volume.
      if (purge) await mounts.unmount(reference.object);
      return {};
    },
    // The kind fills in where in the container it is to be; the kernel checks that the source lies below what this plugin is granted.
    attach: async ({ reference }) => ({
      contribution: { mounts: [{ type: 'bind', source: mounts.pathOf(reference.object), target: '/' }] },
    }),
    detach: async () => ({}),
    reconcile: async ({ held, owed }) => {
      const ended = new Set(
        owed.filter(({ operation, purge }) => operation === 'release' && purge).map(({ reference }) => reference.object),
      );
      const wanted = new Map(held.map(({ reference, options }) => [reference.object, options]));
      for (const volume of await mounts.volumes()) if (!wanted.has(volume) || ended.has(volume)) await mounts.unmount(volume);
      // A use is told with the options of its claim, an object with its own: only that says how large it is.
      for (const { reference, options } of held) if (reference.container === '') await mounts.mount(reference.object, sizeIn(options));
      return {};
    },
  };
}

const manifest = readManifest(new URL('../../manifest.json', import.meta.url));

export const plugin: PluginDefinition = definePlugin({
  manifest,
  setup: async ({ stateDir }) => {
    const mounts = new MemoryMounts(join(stateDir, 'volumes'));
    await mounts.open();
    return { drivers: { 'volume/memory': volumeDriver(mounts) } };
  },
});
