import { definePlugin, type PluginDefinition, readManifest } from '@cleat/sdk';

const manifest = readManifest(new URL('../../manifest.json', import.meta.url));

/** Looks for a value in a request by the names that lead to it. */
function find(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (found, name) => (typeof found === 'object' && found !== null ? Object.entries(found).find(([key]) => key === name)?.[1] : undefined),
    value,
  );
}

export const plugin: PluginDefinition = definePlugin({
  manifest,
  setup: () => ({
    interceptor: {
      // Asked before the operation is executed. Silence denies, and so does an error: answer within two seconds.
      judge: async ({ operation, actor }, request) => {
        if (operation !== 'container.create') return { allow: true };
        const capabilities = find(request, 'spec', 'process', 'capabilities');
        const isPrivileged = Array.isArray(capabilities) && capabilities.includes('CAP_SYS_ADMIN');
        if (!isPrivileged || actor.principal === 'uid:0') return { allow: true };
        return { allow: false, reason: `${actor.principal} may not make a container with CAP_SYS_ADMIN` };
      },
    },
  }),
});
