import { Deadline } from '@cleat/core/deadlines';
import type { sys } from '@cleat/schemas';
import t from 'tap';
import { RegistryMirror } from '../src/calls/registry-mirror.ts';

function participant(state: string): sys.Participant {
  const contracts = { image: ['1.0'] };
  return { name: 'images', version: '1.0.0', state, contracts, addresses: ['image'], intercepts: [], key: 'K', speaksFor: false };
}

/** A registry that is read as these states, one a read; the last one stays. */
function mirrorOf(states: readonly string[], polls: { readonly waitMs: number; readonly everyMs: number }): RegistryMirror {
  let reads = 0;
  const read = async (): Promise<sys.RegistryResponse> => {
    const state = states[Math.min(reads, states.length - 1)] ?? 'ready';
    reads += 1;
    return { position: reads, participants: [participant(state)] };
  };
  return new RegistryMirror({ read, log: { warn: () => undefined }, polls });
}

t.test('who follows no events looks again until a plugin that is starting is ready', async (t) => {
  const mirror = mirrorOf(['installed', 'starting', 'starting', 'ready'], { waitMs: 10_000, everyMs: 5 });
  t.match(await mirror.readyAt('image', 'image', Deadline.after(10_000)), { name: 'images', state: 'ready' });
});

t.test('a plugin that does not come to be ready is named, at the deadline or before', async (t) => {
  const starting = mirrorOf(['starting'], { waitMs: 20, everyMs: 5 });
  const away = { code: 'PLUGIN_AWAY', plugin: 'images', retryable: true };
  await t.rejects(starting.readyAt('image', 'image', Deadline.after(10_000)), away);
  await t.rejects(mirrorOf(['starting'], { waitMs: 10_000, everyMs: 5 }).readyAt('image', 'image', Deadline.after(20)), away);
  await t.rejects(mirrorOf(['failed'], { waitMs: 10_000, everyMs: 5 }).readyAt('image', 'image', Deadline.after(10_000)), away);
});
