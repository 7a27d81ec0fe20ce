import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnv, needs, runProcess } from '@cleat/harness';
import t from 'tap';
import { NetworkLab } from './network-lab.ts';

const PLUGIN_NODE = fileURLToPath(new URL('./plugin-node.js', import.meta.url));

t.test('the plugin answers its contracts over the bus, also after a restart', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'nats-server')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const container = await lab.namespace('web');
  const { stdout } = await runProcess(
    ['nsenter', `--net=${hostNs}`, process.execPath, PLUGIN_NODE, join(lab.directory, 'node'), container],
    { env: childEnv(), timeoutMs: 60_000 },
  );
  const seen: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}');
  t.match(seen, {
    reserved: { status: /"networkName":"front"/ },
    attached: {
      status: /"ipv4":"172\.17\.0\.2"/,
      contribution: { hosts: ['172.17.0.2\tweb'], dns: { servers: ['127.0.0.11'] } },
      events: [{ type: 'network.connected', properties: { container: 'c1', name: 'front', type: 'bridge' } }],
    },
    inspected: { name: 'front', endpoints: [{ container: 'c1', ipv4: '172.17.0.2/16' }] },
    detached: { events: [{ type: 'network.disconnected' }] },
    listed: { networks: [{ name: 'bridge', pools: [{ subnet: '10.99.0.0/24' }] }, { name: 'host' }, { name: 'none' }] },
    published: ['network.created', 'network.removed'],
    reconciled: { lacks: [], failures: [] },
  });
  t.notMatch(await lab.run(hostNs, 'ip', '-o', 'link'), /cl[0-9a-f]{8}/, 'nothing stays on the host');
});
