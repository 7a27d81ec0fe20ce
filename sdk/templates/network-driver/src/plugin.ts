import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { CleatError, definePlugin, type PluginDefinition, readManifest } from '@cleat/sdk';

const manifest = readManifest(new URL('../../manifest.json', import.meta.url));
const runFile = promisify(execFile);

interface Use {
  readonly object: string;
  readonly container: string;
  readonly claim: string;
}

/** Name of the interface in the container: at most 15 characters, the same for the same use. */
function linkName({ object, container, claim }: Use): string {
  return `ln${createHash('sha256').update(`${object}\n${container}\n${claim}`).digest('hex').slice(0, 10)}`;
}

/** An address of 198.18.0.0/15, which is set aside for tests of networks. */
function addressOf(use: Use): string {
  const [first = 0, second = 0] = createHash('sha256').update(linkName(use)).digest();
  return `198.18.${first}.${Math.max(1, Math.min(second, 254))}`;
}

/** Runs `ip` in the container's network namespace, a path that the kernel has pinned. */
async function ip(namespace: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  await runFile('nsenter', [`--net=${namespace}`, 'ip', ...args], { signal, timeout: 10_000 });
}

export const plugin: PluginDefinition = definePlugin({
  manifest,
  setup: ({ log }) => ({
    drivers: {
      // Every call may come again after a crash and must then end the same way. The SDK keeps their order and their numbers.
      [`network/${manifest.name}`]: {
        // A network is created: nothing to make on the host for this one.
        reserve: async () => ({ status: '{}' }),
        release: async () => ({}),
        // A container joins it. The interface is made in the namespace, and ends with that at the latest.
        attach: async ({ reference, networkNamespace, container }, { signal }) => {
          if (networkNamespace === '')
            throw new CleatError(
              'invalid_argument',
              'NAMESPACE_MISSING',
              'this network needs a network namespace of the container',
            );
          const link = linkName(reference);
          // One may be left of an attach that was cut off.
          await ip(networkNamespace, ['link', 'delete', link], signal).catch((error: unknown) =>
            log.debug('there was none', { error }),
          );
          await ip(networkNamespace, ['link', 'add', link, 'type', 'bridge'], signal);
          await ip(networkNamespace, ['address', 'add', `${addressOf(reference)}/15`, 'dev', link], signal);
          await ip(networkNamespace, ['link', 'set', link, 'up'], signal);
          const hosts = container.hostname === '' ? [] : [`${addressOf(reference)} ${container.hostname}`];
          return { status: JSON.stringify({ ipv4: addressOf(reference), interface: link }), contribution: { hosts } };
        },
        // It leaves. The kernel ends the namespace, and with it the interface.
        detach: async () => ({}),
        // Everything that this driver makes lies in namespaces that the kernel owns: nothing is left to drop.
        reconcile: async () => ({}),
      },
    },
  }),
});
