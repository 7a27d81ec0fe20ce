import { needs } from '@cleat/harness';
import t from 'tap';
import { NetworkLab } from './network-lab.ts';
import { askTcp, serveTcp } from './probe.ts';

const OUTSIDE = '198.51.100.2';
const HOST = '198.51.100.1';

t.test('a container on the default bridge reaches the outside and is reached by its published port', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const outside = await lab.namespace('outside');
  await lab.wire(hostNs, HOST, outside, OUTSIDE);
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  const web = await host.start(await lab.namespace('web'), {
    name: 'web',
    publish: [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }],
  });
  t.match(web.status, {
    networkName: 'bridge',
    gateway: '172.17.0.1',
    ipv4: '172.17.0.2',
    ipv4PrefixLength: 16,
    mac: '02:42:ac:11:00:02',
    interface: 'eth0',
  });
  t.same(web.hosts, ['172.17.0.2\tweb']);
  await serveTcp(t, web.namespace, 80, 'web');
  await serveTcp(t, outside, 9000, 'outside');
  t.equal(await askTcp(web.namespace, OUTSIDE, 9000), 'outside', 'egress');
  t.equal(await askTcp(outside, HOST, 8080), 'web', 'from outside');
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), 'web', 'by 127.0.0.1');
  t.equal(await askTcp(hostNs, HOST, 8080), 'web', 'by the own address');
  t.equal(await askTcp(hostNs, '172.17.0.2', 80), 'web', 'by the container address');
  t.equal(await askTcp(hostNs, '::1', 8080), 'web', 'by ::1');
  t.equal(await askTcp(web.namespace, HOST, 8080), 'web', 'hairpin by the host address');
  t.equal(await askTcp(web.namespace, '172.17.0.1', 8080), 'web', 'hairpin by the gateway');
  await host.detach(web);
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), '');
  await host.release(web);
});
