import { slowFactor, waitFor } from '@cleat/harness';
import t, { type Test } from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { startedKernel } from '../joints/joint.ts';
import type { BareKernel } from '../platform/bare-kernel.ts';
import { checkEvents } from '../platform/event-check.ts';

t.setTimeout(200_000 * slowFactor());

const AT_ONCE = 3;

interface Kill {
  readonly title: string;
  arm(kernel: BareKernel, fake: Fake): Promise<void> | void;
}

/** The plugin by itself, around what it writes; and whoever has a part in an event's way, around the kernel's record of it. */
const KILLS: readonly Kill[] = [
  ...['note.written', 'note.published', 'note.told'].map((step) => ({
    title: `the plugin at ${step}`,
    arm: (_kernel: BareKernel, fake: Fake): void => fake.arm('after', step),
  })),
  ...(['before', 'after'] as const).flatMap((moment): readonly Kill[] => [
    { title: `the kernel ${moment} its record`, arm: (kernel) => kernel.arm(moment, 'plugin.event') },
    {
      title: `the plugin ${moment} the kernel's record`,
      arm: async (kernel, fake) => kernel.arm(moment, 'plugin.event', await fake.pid()),
    },
    { title: `the bus ${moment} the kernel's record`, arm: (kernel) => kernel.arm(moment, 'plugin.event', kernel.busPid) },
  ]),
];

t.test('of the events of a plugin’s own objects none is lost and none doubled, whoever is killed', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const fake = await Fake.install(kernel, FAKE);
  for (const kill of KILLS) await t.test(kill.title, (t) => oneKill(t, kernel, fake, kill));
  checkEvents(t, await kernel.client.events());
});

async function oneKill(t: Test, kernel: BareKernel, fake: Fake, kill: Kill): Promise<void> {
  // Begun anew, so that its supervisor does not think that it fails for ever.
  await fake.installAgain();
  await kernel.client.waitForPlugin('fake');
  const had = fake.notes.length;
  await kill.arm(kernel, fake);
  const creates = Array.from({ length: AT_ONCE }, (_, index) =>
    kernel.client.create(`noted-${index}`, ['true'], { claims: [fakeClaim('a', { note: true })] }).catch(() => undefined),
  );
  const made = Promise.all(creates);
  await waitFor('the kill', () => !(kernel.isArmed || fake.isArmed), { timeoutMs: 20_000 });
  await Promise.race([made, kernel.ended(1_000).catch(() => undefined)]);
  if (kernel.hasEnded) await kernel.start();
  await made;
  await kernel.client.waitForPlugin('fake', 'ready', 30_000);
  t.ok(fake.notes.length > had, `${fake.notes.length - had} objects`);
  const told = async (): Promise<readonly string[]> =>
    (await kernel.client.events()).filter(({ type }) => type === 'fake.noted').map(({ subject }) => subject);
  await waitFor('every event', async () => new Set(await told()).size === fake.notes.length, { timeoutMs: 20_000 }).catch(() => undefined);
  t.same([...(await told())].sort(), fake.notes, 'each object was told of once');
  await kernel.client.removeAll();
}
