import { runPlugins } from '@cleat/sdk/run';
import { TestNode } from '@cleat/sdk/testing';
import { manifest, plugin } from '../src/index.ts';

/**
 * A node with the plugin over a real bus, in the network namespace that it is started in. It takes one container through
 * its life, restarts the plugin in the middle, and prints what it saw as one line of JSON.
 */
const [directory = '', networkNamespace = ''] = process.argv.slice(2);
const node = await TestNode.start({ directory });
const installed = await node.install(manifest, { config: { bridge: { subnet: '10.99.0.0/24' } } });

function start(): () => Promise<void> {
  const controller = new AbortController();
  const ended = runPlugins({ urlFile: node.urlFile, plugins: [installed.entry] }, new Map([['network', plugin]]), {
    signal: controller.signal,
    log: node.log,
  });
  return async () => {
    controller.abort();
    await ended;
  };
}

const container = { id: 'c1', name: 'web', hostname: 'web' };
const options = JSON.stringify({ network: 'front', publish: [{ containerPort: 80, hostPort: 8080 }] });
const reference = (number: number) => ({ object: 'c1/network', container: 'c1', claim: 'network', bootId: node.kernel.bootId, number });

let stop = start();
await node.kernel.ready('network');
const created = await node.call<{ id: string }>('network', 'network', 'create', { name: 'front' });
const reserved = await node.provider('network', 'reserve', { reference: reference(1), options, container });
const attached = await node.provider('network', 'attach', { reference: reference(2), options, container, networkNamespace });
node.kernel.holdings.set('network', {
  held: [{ reference: reference(2), options, status: attached.status, attached: true, container, networkNamespace }],
  owed: [],
});
await stop();
stop = start();
await node.kernel.ready('network');
const inspected = await node.call('network', 'network', 'inspect', { network: 'front' });
const detached = await node.provider('network', 'detach', { reference: reference(2) });
await node.provider('network', 'release', { reference: reference(3), purge: true });
await node.call('network', 'network', 'remove', { network: created.id });
const listed = await node.call('network', 'network', 'list', {});
await stop();
const published = node.kernel.published.map(({ event }) => event.type);
await node.stop();
const seen = { reserved, attached, inspected, detached, listed, published, reconciled: node.kernel.reconciled.get('network') };
process.stdout.write(`${JSON.stringify(seen, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`, () =>
  process.exit(),
);
