import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Options of `docker network create -o`, as JSON text. This driver has none yet. */
function checkOptions(text: string): void {
  const options: unknown = JSON.parse(text === '' ? '{}' : text);
  const names = typeof options === 'object' && options !== null ? Object.keys(options) : ['?'];
  if (names.length > 0) {
    throw new CleatError('invalid_argument', 'OPTION_UNKNOWN', `the driver ${manifest.name} has no option ${names.join(', ')}`);
  }
}

/** Runs `ip` in the container's network namespace, a path that the kernel has pinned. */
async function ip(namespace: string, args: readonly string[], signal?: AbortSignal): Promise<void> {
  await runFile('nsenter', [`--net=${namespace}`, 'ip', ...args], { ...(signal === undefined ? {} : { signal }), timeout: 10_000 });
}

export const plugin: PluginDefinition = definePlugin({
  manifest,
  setup: async ({ log, runDir }) => {
    // Which namespace each interface is in: written before it is made, as this process may end at any instant. On tmpfs like them.
    const uses = join(runDir, 'uses');
    await mkdir(uses, { recursive: true, mode: 0o700 });

    async function removeLink(link: string): Promise<void> {
      const namespace = await readFile(join(uses, link), 'utf8').catch(() => '');
      // Also with the namespace gone, and the interface with it.
      if (namespace !== '') await ip(namespace, ['link', 'delete', link]).catch((error: unknown) => log.debug('it is gone', { error }));
      await rm(join(uses, link), { force: true });
    }

    return {
      drivers: {
        // Every call may come again after a crash and must then end the same way. The SDK keeps their order and their numbers.
        [`network/${manifest.name}`]: {
          // A network is created: nothing to make on the host for this one.
          reserve: async ({ options }) => {
            checkOptions(options);
            return { status: '{}' };
          },
          release: async () => ({}),
          // A container joins it, at its start or later.
          attach: async ({ reference, networkNamespace, container }, { signal }) => {
            if (networkNamespace === '')
              throw new CleatError('invalid_argument', 'NAMESPACE_MISSING', 'this network needs a network namespace of the container');
            const link = linkName(reference);
            const address = addressOf(reference);
            // One may be left of an attach that was cut off.
            await removeLink(link);
            await writeFile(join(uses, link), networkNamespace);
            await ip(networkNamespace, ['link', 'add', link, 'type', 'bridge'], signal);
            await ip(networkNamespace, ['address', 'add', `${address}/15`, 'dev', link], signal);
            await ip(networkNamespace, ['link', 'set', link, 'up'], signal);
            const hosts = container.hostname === '' ? [] : [`${address} ${container.hostname}`];
            return { status: JSON.stringify({ ipv4: `${address}/15`, interface: link }), contribution: { hosts } };
          },
          // It leaves: at its end, or while it runs on.
          detach: async ({ reference }) => {
            await removeLink(linkName(reference));
            return {};
          },
          // After each start: all that there shall be. The rest is dropped, what is missing is named.
          reconcile: async ({ held }) => {
            const attached = held.filter((one) => one.attached);
            const wanted = new Set(attached.map(({ reference }) => linkName(reference)));
            const there = await readdir(uses);
            for (const link of there) if (!wanted.has(link)) await removeLink(link);
            const lacks = attached.filter(({ reference }) => !there.includes(linkName(reference)));
            return { lacks: lacks.map(({ reference }) => reference) };
          },
        },
      },
    };
  },
});
