import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, slowFactor, tempDir } from '@cleat/harness';
import t from 'tap';
import { BareKernel } from '../platform/bare-kernel.ts';
import { checkEvents } from '../platform/event-check.ts';
import { checkTruth } from './kernel-matrix.ts';

t.setTimeout(115_000 * slowFactor());

t.test('a monitor that is killed takes its container with it, and nothing else', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon')) return;
  const kernel = new BareKernel(tempDir(t, 'monitor'));
  t.teardown(() => kernel.down());
  await kernel.start();
  const node = kernel.client;
  await node.run('bystander', ['sleep', '1000']);
  const monitorOf = async (name: string): Promise<number> => {
    const { id, state } = await node.inspect(name);
    return Number(readFileSync(join(kernel.runDir, 'c', id, `run${state.run}`, 'conmon.pid'), 'utf8'));
  };
  const ends: readonly (readonly [string, (name: string) => Promise<void>])[] = [
    ['while it runs', async (name) => void process.kill(await monitorOf(name), 'SIGKILL')],
    ...['stop.intent', 'exec.intent', 'exec.started', 'view.intent', 'pause.intent', 'paused', 'kill'].map(
      (step) =>
        [
          `at ${step}`,
          async (name: string): Promise<void> => {
            kernel.arm('after', step, await monitorOf(name));
            await actOn(name, step);
            t.notOk(kernel.isArmed, `${step} was reached`);
          },
        ] as const,
    ),
  ];
  const actOn = async (name: string, step: string): Promise<void> => {
    const exec = {
      id: `${'0'.repeat(56)}${Math.random().toString(16).slice(2, 10).padEnd(8, '0')}`,
      container: name,
      process: { args: ['true'] },
    };
    const acts: Record<string, () => Promise<unknown>> = {
      'stop.intent': () => node.call('container', 'stop', { container: name }),
      'exec.intent': async () => {
        await node.call('exec', 'create', exec);
        await node.call('exec', 'start', { id: exec.id, detach: true });
      },
      'exec.started': async () => {
        await node.call('exec', 'create', exec);
        await node.call('exec', 'start', { id: exec.id, detach: true });
      },
      'view.intent': () => node.call('view', 'open', { container: name }),
      'pause.intent': () => node.call('container', 'pause', { container: name }),
      paused: () => node.call('container', 'pause', { container: name }),
      kill: () => node.call('container', 'kill', { container: name, signal: 'SIGWINCH' }),
    };
    await acts[step]?.().catch(() => undefined);
  };
  for (const [when, end] of ends) {
    await t.test(when, async (t) => {
      await node.run('watched', ['sleep', '1000']);
      await end('watched');
      const { state } = await node.waitForStatus('watched', 'exited', 20_000);
      t.equal(state.exitCode, 137);
      await checkTruth(t, kernel);
      t.equal((await node.inspect('bystander')).state.status, 'running');
      await node.remove('watched');
    });
  }
  await t.test('with a restart policy another run follows', async (t) => {
    await node.run('again', ['sleep', '1000'], { spec: { restart: { name: 'always' } } });
    process.kill(await monitorOf('again'), 'SIGKILL');
    await node.until('the next run', async () => {
      const { state } = await node.inspect('again');
      return state.run === 2 && state.status === 'running';
    });
    await node.remove('again');
    t.pass();
  });
  checkEvents(t, await node.events());
});
