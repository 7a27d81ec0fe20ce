import { slowFactor, waitFor } from '@cleat/harness';
import t from 'tap';
import { FAKE, FAKE_DRIVER, FAKE_WITH_DRIVERS, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { failure, startedKernel } from './joint.ts';

t.setTimeout(100_000 * slowFactor());

const SLEEP = ['sleep', '1000'];
const DEEP = { driver: 'deep' };

t.test('a driver is not taken away from what it drives, whoever asks, unless forced', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const driver = await Fake.install(kernel, FAKE_DRIVER);
  await Fake.install(kernel, FAKE_WITH_DRIVERS);
  const disable = (force: boolean): Promise<unknown> => node.call('plugin', 'disable', { name: driver.name, force });

  await t.test('one that drives nothing goes', async () => {
    await disable(false);
    await node.call('plugin', 'enable', { name: driver.name });
    await driver.remove();
    await driver.installAgain();
    await node.waitForPlugin(driver.name);
  });

  const id = await node.create('first', SLEEP, { claims: [fakeClaim('a', DEEP)] });

  await t.test('its kind is asked, and the objects are named', async (t) => {
    for (const refused of [await failure(driver.remove()), await failure(disable(false))]) {
      t.match(refused, { class: 'conflict', code: 'DRIVER_IN_USE' });
      t.equal(refused.message, `the plugin fake-driver is the driver of fake ${id}/a`);
    }
    t.equal((await node.plugin(driver.name)).state, 'ready', 'it is as it was');
    const claims = ['b', 'c', 'd', 'e', 'f', 'g'].map((name) => fakeClaim(name, DEEP));
    await node.create('many', SLEEP, { claims });
    t.match((await failure(driver.remove())).message, / and 2 more$/);
  });

  await t.test('a kind that is away can answer for nothing, so that it needs force', async (t) => {
    await node.call('plugin', 'disable', { name: FAKE.name, force: true });
    await node.call('plugin', 'enable', { name: FAKE.name });
    await waitFor('the kind', async () => (await node.plugin(FAKE.name)).pid > 0);
    process.kill((await node.plugin(FAKE.name)).pid, 'SIGSTOP');
    t.match(await failure(driver.remove()), {
      class: /^(unavailable|deadline_exceeded)$/,
      message: /^nobody could say which fakes plugin/,
      hint: /use force/,
    });
    t.equal((await node.plugin(driver.name)).enabled, true);
    process.kill((await node.plugin(FAKE.name)).pid, 'SIGCONT');
    await node.waitForPlugin(FAKE.name);
  });

  await t.test('with force it goes, and what it drove is removed when it is back', async (t) => {
    await disable(true);
    await driver.remove(true);
    t.equal((await node.inspect('first')).state.status, 'created');
    await driver.installAgain();
    await node.waitForPlugin(driver.name);
    for (const name of ['first', 'many']) await node.remove(name);
    await driver.remove();
  });
});

t.test('a kind that is not there, or does not know the question, holds up nobody', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const driver = await Fake.install(kernel, FAKE_DRIVER);
  await driver.remove();
  await driver.installAgain();
  await kernel.client.waitForPlugin(driver.name);
  await Fake.install(kernel, FAKE);
  await driver.remove();
  t.pass();
});
