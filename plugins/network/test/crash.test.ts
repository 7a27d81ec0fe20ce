import { needs, waitFor } from '@cleat/harness';
import t from 'tap';
import type { HostProcess, LabContainer } from './network-lab.ts';
import { NetworkLab } from './network-lab.ts';
import { askTcp, serveTcp } from './probe.ts';

const PUBLISH = [{ containerPort: 80, hostPort: 8080 }];
/** More records than one round writes. */
const RECORD_LIMIT = 20;

type Step = 'reserve' | 'attach' | 'detach' | 'release';
const STEPS: readonly Step[] = ['reserve', 'attach', 'detach', 'release'];

interface Cut {
  /** The call that was not answered; undefined when all were. */
  readonly step: Step | undefined;
  readonly container: LabContainer | undefined;
}

/** One container's life, cut off by the death of the plugin somewhere. */
async function live(host: HostProcess, namespace: string): Promise<Cut> {
  let container: LabContainer | undefined;
  for (const step of STEPS) {
    try {
      if (step === 'reserve' || container === undefined)
        container = await host.reserve(namespace, { name: 'web', network: 'front', publish: PUBLISH });
      else await host[step](container);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('the engine ended')) return { step, container };
      throw error;
    }
  }
  return { step: undefined, container };
}

/** What the kernel tells the plugin when it comes back: an unanswered create or start goes back, all else goes forward. */
async function recover(host: HostProcess, { step, container }: Cut, beside: LabContainer): Promise<unknown> {
  if (step === undefined || container === undefined) return host.reconcile([host.held(beside)]);
  const isGone = step === 'release';
  const owed = { reference: host.reference(container), operation: isGone ? 'release' : 'detach', purge: true };
  const answer = await host.reconcile([host.held(beside), ...(isGone ? [] : [host.held(container, false)])], [owed]);
  if (!isGone) await host.release(container);
  return answer;
}

async function leftovers(lab: NetworkLab, host: HostProcess): Promise<string> {
  const links = (await lab.run(host.namespace, 'ip', '-o', 'link')).match(/ve[0-9a-f]{8}\w+/g) ?? [];
  const elements = (await lab.run(host.namespace, 'nft', 'list', 'ruleset')).match(/(tcp|udp) \. \d+ : [^,}]*/g) ?? [];
  return [...links, ...elements].join(' ');
}

t.test('killed around any record of a container’s life, it comes back to a true state and the next life is whole', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const namespace = await lab.namespace('host');
  const first = await lab.host(namespace);
  await first.reconcile([]);
  await first.createNetwork('front');
  await first.kill();
  const { instanceId, stateDir } = first;
  const bystander = await lab.namespace('bystander');
  const other = await lab.host(namespace, { instanceId, stateDir });
  await other.reconcile([]);
  const beside = await other.start(bystander, { name: 'beside', network: 'front', publish: [{ containerPort: 80, hostPort: 8081 }] });
  await serveTcp(t, bystander, 80, 'beside');
  await other.kill();

  const seen = new Set<string>();
  for (const point of ['before-write', 'after-write']) {
    for (let record = 1; record <= RECORD_LIMIT; record += 1) {
      const container = await lab.namespace('web');
      const dying = await lab.host(namespace, { instanceId, stateDir, fault: `${point}:${record}` });
      await dying.reconcile([dying.held(beside)]);
      const cut = await live(dying, container);
      seen.add(String(cut.step));
      await dying.kill();
      const fresh = await lab.host(namespace, { instanceId, stateDir });
      t.same(await recover(fresh, cut, beside), { lacks: [], failures: [] });
      t.equal(await askTcp(namespace, '127.0.0.1', 8081), 'beside', `another container does not notice (${point} ${record})`);
      await waitFor(
        'nothing but the other container',
        async () => (await leftovers(lab, fresh)).match(/ve\w+/g)?.length === 1 && !(await leftovers(lab, fresh)).includes('8080'),
      );
      const again = await fresh.start(await lab.namespace('again'), { name: 'web', network: 'front', publish: PUBLISH });
      t.match(again.status, { ports: [{ hostPort: 8080 }, { hostPort: 8080 }] });
      await fresh.detach(again);
      await fresh.release(again);
      await fresh.kill();
      if (cut.step === undefined) break;
    }
  }
  t.same([...seen].sort(), ['attach', 'detach', 'release', 'reserve', 'undefined'], 'every step was cut off');
});
