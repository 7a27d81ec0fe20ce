import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CleatError, definePlugin, type PluginDefinition, readManifest } from '@cleat/sdk';

const manifest = readManifest(new URL('../../manifest.json', import.meta.url));

/** Options of `docker volume create -o`, as JSON text. This driver has none yet. */
function checkOptions(text: string): void {
  const options: unknown = JSON.parse(text === '' ? '{}' : text);
  const names = typeof options === 'object' && options !== null ? Object.keys(options) : ['?'];
  if (names.length > 0) {
    throw new CleatError('invalid_argument', 'OPTION_UNKNOWN', `the driver ${manifest.name} has no option ${names.join(', ')}`);
  }
}

export const plugin: PluginDefinition = definePlugin({
  manifest,
  setup: async ({ stateDir }) => {
    const volumes = join(stateDir, 'volumes');
    await mkdir(volumes, { recursive: true, mode: 0o711 });
    const pathOf = (volume: string): string => join(volumes, encodeURIComponent(volume));
    return {
      drivers: {
        // Every call may come again after a crash and must then end the same way. The SDK keeps their order and their numbers.
        [`volume/${manifest.name}`]: {
          // A volume is created. What is asked for has to be there before it is answered.
          reserve: async ({ reference, options }) => {
            checkOptions(options);
            await mkdir(pathOf(reference.object), { recursive: true, mode: 0o755 });
            return { status: JSON.stringify({ mountpoint: pathOf(reference.object) }) };
          },
          // It is removed; `purge`: with its data.
          release: async ({ reference, purge }) => {
            if (purge) await rm(pathOf(reference.object), { recursive: true, force: true });
            return {};
          },
          // A container uses it: the mount is described here, and made by the runtime. What to mount for it (NFS, an encrypted
          // device) is mounted here, below this plugin's own directory, and unmounted in detach.
          attach: async ({ reference }) => ({
            contribution: { mounts: [{ type: 'bind', source: pathOf(reference.object), target: '/' }] },
          }),
          detach: async () => ({}),
          // After each start: all that there shall be. The rest is dropped, what is owed is done, what is missing is named.
          reconcile: async ({ held, owed }) => {
            const known = new Set(held.map(({ reference }) => encodeURIComponent(reference.object)));
            for (const { reference, operation, purge } of owed) {
              if (operation === 'release' && purge) known.delete(encodeURIComponent(reference.object));
            }
            const there = await readdir(volumes);
            for (const name of there) if (!known.has(name)) await rm(join(volumes, name), { recursive: true, force: true });
            const lacks = held.filter(({ reference }) => !there.includes(encodeURIComponent(reference.object)));
            return { lacks: lacks.map(({ reference }) => reference) };
          },
        },
      },
    };
  },
});
