// @ts-check
// A whole plugin: it provides claims of a kind of its own. docker run --annotation cleat.claim/greeting='{"to":"world"}' busybox env
import { CleatError, definePlugin, readManifest, run } from '@cleat/sdk';

const manifest = readManifest(new URL('manifest.json', import.meta.url));

/**
 * The kernel has checked the options against the manifest's schema before it asks.
 * @param {string} options
 */
function greeted(options) {
  const { to } = JSON.parse(options);
  if (/[\n\0]/.test(to)) throw new CleatError('invalid_argument', 'MINIMAL_NAME', 'a greeting is one line');
  return to;
}

const plugin = definePlugin({
  manifest,
  setup: ({ log, config }) => {
    const word = typeof config['word'] === 'string' ? config['word'] : 'Hello';
    return {
      providers: {
        greeting: {
          // A container is about to use the claim: what it gets is described, and the kernel puts it in.
          attach: async ({ options, container }) => {
            log.info('a container is greeted', { container: container.name });
            return { contribution: { environment: [`GREETING=${word}, ${greeted(options)}!`] } };
          },
          // The use is over. There is nothing to take back.
          detach: async () => ({}),
          // After each start the kernel says what this plugin holds. It keeps nothing, so there is nothing to drop.
          reconcile: async () => ({}),
        },
      },
    };
  },
});

await run(plugin);
