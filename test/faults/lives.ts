import { randomBytes } from 'node:crypto';
import { fakeClaim } from '../fakes/fake-install.ts';
import type { NodeClient } from '../platform/node-client.ts';

/** Every record that the life of a container without plugins writes. */
export const PLAIN_STEPS: readonly string[] = [
  'create.intent',
  'created',
  'view.intent',
  'root.intent',
  'root.done',
  'view.process',
  'view.open',
  'use.leave',
  'root.gone',
  'start.intent',
  'namespaces.intent',
  'namespaces.done',
  'monitor.intent',
  'monitor.done',
  'go',
  'started',
  'exec.created',
  'exec.intent',
  'exec.started',
  'exec.exited',
  'renamed',
  'updated',
  'pause.intent',
  'paused',
  'unpaused',
  'kill',
  'stop.intent',
  'exit',
  'namespaces.gone',
  'exited',
  'stopped',
  'remove.intent',
  'removed',
];

/** A whole life: created, looked into, started, executed in, changed, paused, signalled, stopped, removed. */
export async function plainLife(node: NodeClient, name: string): Promise<void> {
  await node.create(name, ['sleep', '1000']);
  const { view } = await node.call<{ view: string }>('view', 'open', { container: name });
  await node.call('view', 'close', { view });
  await node.call('container', 'start', { container: name });
  const exec = randomBytes(32).toString('hex');
  await node.call('exec', 'create', { id: exec, container: name, process: { args: ['true'] } });
  await node.call('exec', 'start', { id: exec, detach: true });
  await node.until(
    'the end of the exec',
    async () => (await node.call<{ exitCode: number | null }>('exec', 'inspect', { id: exec })).exitCode === 0,
  );
  const renamed = `${name}-renamed`;
  await node.call('container', 'rename', { container: name, name: renamed });
  await node.call('container', 'update', { container: renamed, resources: { pidsLimit: 50 } });
  await node.call('container', 'pause', { container: renamed });
  await node.call('container', 'unpause', { container: renamed });
  await node.call('container', 'kill', { container: renamed, signal: 'SIGWINCH' });
  await node.call('container', 'stop', { container: renamed, timeoutS: 5 });
  await node.call('container', 'remove', { container: renamed, purge: true });
}

/** The records that claims add to a life. */
export const CLAIM_STEPS: readonly string[] = [
  'create.intent',
  'reserve.intent',
  'reserve.done',
  'created',
  'start.intent',
  'namespaces.done',
  'root.done',
  'attach.intent',
  'attach.done',
  'fill.intent',
  'fill.done',
  'monitor.done',
  'go',
  'started',
  'update.intent',
  'update.done',
  'claim.add.intent',
  'claim.add.done',
  'claim.updated',
  'claim.remove.intent',
  'claim.remove.done',
  'exit',
  'use.leave',
  'detach.intent',
  'detach.done',
  'exited',
  'remove.intent',
  'release.intent',
  'release.done',
  'removed',
];

/** A life with claims of the fake kind: two from the beginning, one that comes and goes while it runs. */
export async function claimLife(node: NodeClient, name: string): Promise<void> {
  const first = { contribution: { environment: ['FIRST=1'], mounts: [{ type: 'bind', source: '$OBJECT', target: '/bin', copyUp: true }] } };
  const claims = [fakeClaim('first', first), fakeClaim('second', { contribution: { hosts: ['10.1.1.1 second'] } })];
  await node.run(name, ['sleep', '1000'], { claims });
  const renamed = `${name}-renamed`;
  await node.call('container', 'rename', { container: name, name: renamed });
  const third = fakeClaim('third', { contribution: { hosts: ['10.1.1.3 third'] } });
  await node.call('claim', 'add', { container: renamed, claim: third });
  const options = JSON.stringify({ hosts: ['10.1.1.4 third'] });
  await node.call('claim', 'update', { container: renamed, claim: 'third', options });
  await node.call('claim', 'remove', { container: renamed, claim: 'third' });
  await node.call('container', 'stop', { container: renamed, timeoutS: 5 });
  await node.call('container', 'remove', { container: renamed, purge: true });
}
