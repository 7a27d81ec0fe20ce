import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { slowFactor } from '@cleat/harness';
import t from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { startedKernel } from './joint.ts';

t.setTimeout(115_000 * slowFactor());

const COUNT = 30;
const CALL_MS = 60;
const AT_A_TIME = 8;

t.test('thirty plugins come and go while calls of 60 ms are in flight: none is lost', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);
  fake.control({ reserve: { delayMs: CALL_MS } });
  let isOver = false;
  let calls = 0;
  let slowestMs = 0;
  const failures: string[] = [];
  const caller = async (index: number): Promise<void> => {
    for (let round = 0; !isOver; round += 1) {
      const name = `call-${index}-${round}`;
      const begin = performance.now();
      try {
        await node.create(name, ['true'], { claims: [fakeClaim('a')] });
        await node.remove(name);
      } catch (error) {
        failures.push(`${name}: ${String(error)}`);
      }
      calls += 1;
      slowestMs = Math.max(slowestMs, performance.now() - begin);
    }
  };
  const callers = Array.from({ length: AT_A_TIME }, (_, index) => caller(index));
  for (let index = 0; index < COUNT; index += 1) {
    const directory = join(kernel.dir, 'passing', String(index));
    mkdirSync(directory, { recursive: true });
    const manifest = {
      ...{ cleat: 1, name: `passing-${index}`, version: '1.0.0', contracts: { provider: ['1.0'] } },
      provides: [{ kind: `kind-${index}`, reserve: true, attach: true }],
      uses: ['container.*'],
      events: { consumes: ['*'] },
      run: { command: ['sh', '-c', 'exec sleep 1000000'] },
    };
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
    await node.call('plugin', 'install', { directory, enable: true, grant: '' });
    if (index >= 5) await node.call('plugin', 'remove', { name: `passing-${index - 5}` });
  }
  for (let index = COUNT - 5; index < COUNT; index += 1) await node.call('plugin', 'remove', { name: `passing-${index}` });
  isOver = true;
  await Promise.all(callers);
  t.same(failures, []);
  t.ok(calls > AT_A_TIME * 3, `${calls} lives of a container, the slowest ${Math.round(slowestMs)} ms`);
  // A call that is lost comes again after a silence of five seconds.
  t.ok(slowestMs < 5_000, `${Math.round(slowestMs)} ms`);
  t.same(fake.objects, []);
  t.same(fake.words().filter((word) => word === 'reserve a').length, calls, 'and none was done twice');
});
