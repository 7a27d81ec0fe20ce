import { needs, waitFor } from '@cleat/harness';
import t from 'tap';
import type { HostProcess, LabContainer } from './network-lab.ts';
import { BOOT_ID, NetworkLab } from './network-lab.ts';
import { askTcp, serveTcp } from './probe.ts';

/** What of an instance there is on a host: links and tables by their names. */
async function ownedBy(lab: NetworkLab, host: HostProcess): Promise<{ links: string[]; tables: string }> {
  const links = (await lab.run(host.namespace, 'ip', '-o', 'link')).split('\n').map((line) => line.split(': ')[1]?.split('@')[0] ?? '');
  return {
    links: links.filter((name) => name.includes(host.instanceId)),
    tables: (await lab.run(host.namespace, 'nft', 'list', 'tables')).trim(),
  };
}

t.test('a hundred containers come and go and leave nothing', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  await host.createNetwork('front');
  const descriptors = async (): Promise<number> => (await lab.run(hostNs, 'ls', `/proc/${host.pid}/fd`)).split('\n').length;
  const first = await host.start(await lab.namespace('first'), { name: 'first', network: 'front', publish: [{ containerPort: 80 }] });
  await host.detach(first);
  await host.release(first);
  const before = await descriptors();
  const namespaces = await Promise.all(Array.from({ length: 10 }, (_, index) => lab.namespace(`c${index}`)));
  for (let round = 0; round < 10; round += 1) {
    const started: LabContainer[] = [];
    for (const [index, namespace] of namespaces.entries()) {
      started.push(
        await host.start(namespace, {
          name: `c${index}`,
          network: index % 2 === 0 ? 'front' : 'bridge',
          publish: [{ containerPort: 80 }, { containerPort: 53, protocol: 'udp' }],
        }),
      );
    }
    t.equal(new Set(started.map((container) => container.status['ipv4'])).size, 10);
    for (const container of started.reverse()) {
      await host.detach(container);
      await host.release(container);
    }
  }
  await waitFor('no link left', async () => (await ownedBy(lab, host)).links.every((name) => name.startsWith('cl')));
  t.notMatch(await lab.run(hostNs, 'nft', 'list', 'ruleset'), /tcp \. |udp \. /);
  await waitFor('no descriptor left', async () => (await descriptors()) <= before);
  for (const namespace of namespaces) {
    const links = await waitFor('an empty namespace', async () => {
      const text = await lab.run(namespace, 'ip', '-o', 'link');
      return !text.includes('eth') && text;
    });
    t.notMatch(links, /eth/);
  }
  await host.call('close', {});
  t.same(await ownedBy(lab, host), { links: [], tables: '' });
});

t.test('killed at any time, the plugin finds its containers again and drops what is no longer held', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  let host = await lab.host(hostNs);
  await host.reconcile([]);
  await host.createNetwork('front');
  const publish = [{ containerPort: 80, hostPort: 8080 }];
  const web = await host.start(await lab.namespace('web'), { name: 'web', network: 'front', publish });
  const gone = await host.start(await lab.namespace('gone'), {
    name: 'gone',
    network: 'front',
    publish: [{ containerPort: 80, hostPort: 8081 }],
  });
  const stopped = await host.reserve(await lab.namespace('stopped'), { name: 'stopped', network: 'front' });
  await serveTcp(t, web.namespace, 80, 'web');
  await host.kill();
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), 'web', 'the way to a container does not lead through the plugin');

  const restarted = await lab.host(hostNs, { instanceId: host.instanceId, stateDir: host.stateDir });
  t.same(await restarted.reconcile([host.held(web), host.held(stopped, false)]), { lacks: [], failures: [] });
  host = restarted;
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), 'web');
  t.equal(await askTcp(hostNs, '::1', 8080), 'web', 'listeners are open again');
  t.match(
    await lab.run(web.namespace, 'busybox', 'nslookup', '-type=a', 'web', '127.0.0.11'),
    String(web.status['ipv4']),
    'and so is the name server',
  );
  t.notMatch(await lab.run(hostNs, 'nft', 'list', 'ruleset'), /8081/);
  await waitFor(
    'the link of the dropped container is gone',
    async () => (await ownedBy(lab, host)).links.filter((name) => name.startsWith('ve')).length === 1,
  );
  const another = await host.start(await lab.namespace('another'), {
    name: 'another',
    network: 'front',
    publish: [{ containerPort: 80, hostPort: 8081 }],
  });
  t.not(another.status['ipv4'], web.status['ipv4']);
  t.ok(gone.status['ipv4'] !== undefined);
  await t.rejects(
    host.start(await lab.namespace('clash'), { name: 'clash', publish }),
    /Bind for 0.0.0.0:8080 failed: port is already allocated/,
  );

  await host.attach(stopped);
  t.same(
    await host.reconcile([host.held(web), host.held(stopped), host.held(another)]),
    { lacks: [], failures: [] },
    'a second reconcile changes nothing',
  );
  t.equal(await askTcp(hostNs, '::1', 8080), 'web');
});

t.test('a plugin that has lost its store rebuilds it from what the kernel holds', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  await host.createNetwork('front');
  const web = await host.start(await lab.namespace('web'), { name: 'web', publish: [{ containerPort: 80, hostPort: 8080 }] });
  const front = await host.start(await lab.namespace('front'), { name: 'front', network: 'front' });
  await serveTcp(t, web.namespace, 80, 'web');
  await host.kill();
  const fresh = await lab.host(hostNs, { instanceId: host.instanceId });
  const answer = await fresh.reconcile([host.held(web), host.held(front)]);
  t.match(answer['lacks'], [{ container: front.id }], 'a network that nobody remembers is lacking');
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), 'web');
  const next = await fresh.start(await lab.namespace('next'), { name: 'next' });
  t.not(next.status['ipv4'], web.status['ipv4']);
  await fresh.detach(web);
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), '');
});

t.test('after a reboot attachments are void and the next start begins anew', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const before = await lab.host(await lab.namespace('before'));
  await before.reconcile([]);
  const namespace = await lab.namespace('web');
  const web = await before.start(namespace, { name: 'web', publish: [{ containerPort: 80, hostPort: 8080 }] });
  await before.kill();
  // Another namespace: nothing of what was set up is there, as after a boot.
  const after = await lab.host(await lab.namespace('after'), { instanceId: before.instanceId, stateDir: before.stateDir });
  t.same(await after.reconcile([before.held(web, false)], [], `${BOOT_ID.slice(0, -1)}2`), { lacks: [], failures: [] });
  t.notMatch(await lab.run(after.namespace, 'ip', '-o', 'link'), /cl[0-9a-f]{8}/);
  await lab.unpin(namespace);
  const again = await lab.namespace('again');
  const restarted = await after.attach({ ...web, namespace: again });
  t.equal(restarted.status['ipv4'], '172.17.0.2');
});

t.test('a failed attach gives everything back', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  const holder = await host.start(await lab.namespace('holder'), { name: 'holder', publish: [{ containerPort: 80, hostPort: 8080 }] });
  const unlucky = await host.reserve(await lab.namespace('unlucky'), {
    name: 'unlucky',
    publish: [
      { containerPort: 80, hostPort: 8079 },
      { containerPort: 81, hostPort: 8080 },
    ],
  });
  await t.rejects(
    host.attach(unlucky),
    /driver failed programming external connectivity on endpoint unlucky \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated/,
  );
  await t.rejects(host.attach({ ...unlucky, namespace: '/nonexistent' }), /./);
  await host.detach(holder);
  t.match((await host.attach(unlucky)).status, {
    ports: [{ hostPort: 8079 }, { hostPort: 8079, hostIp: '::' }, { hostPort: 8080 }, { hostPort: 8080 }],
  });
  await waitFor('one link', async () => (await ownedBy(lab, host)).links.filter((name) => name.startsWith('ve')).length === 1);
  // The same call again is answered as before; a newer one ends the earlier attachment.
  const status = unlucky.status;
  t.same((await host.attach(unlucky, 999)).status['endpointId'] !== status['endpointId'], true);
  t.same((await host.attach(unlucky, 999)).status, unlucky.status);
});

t.test('two instances on one host do not touch each other', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const [left, right] = await Promise.all([lab.host(hostNs), lab.host(hostNs)]);
  await Promise.all([left.reconcile([]), right.reconcile([])]);
  const started = await Promise.all([
    left.start(await lab.namespace('left'), { name: 'web', publish: [{ containerPort: 80, hostPort: 8080 }] }),
    right.start(await lab.namespace('right'), { name: 'web', publish: [{ containerPort: 80, hostPort: 8081 }] }),
  ]);
  const [one, two] = started;
  t.not(one.status['gateway'], two.status['gateway'], 'each picked a subnet of its own');
  await serveTcp(t, one.namespace, 80, 'one');
  await serveTcp(t, two.namespace, 80, 'two');
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), 'one');
  t.equal(await askTcp(hostNs, '127.0.0.1', 8081), 'two');
  await t.rejects(
    left.start(await lab.namespace('taken'), { name: 'taken', publish: [{ containerPort: 80, hostPort: 8081 }] }),
    /address already in use/,
  );
  await left.detach(one);
  await left.release(one);
  await left.call('close', {});
  t.equal(await askTcp(hostNs, '127.0.0.1', 8081), 'two');
  const rest = await ownedBy(lab, left);
  t.same(rest.links, []);
  t.equal(rest.tables, `table inet cleat-${right.instanceId}`);
});
