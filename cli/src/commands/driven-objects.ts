import { CleatError } from '@cleat/schemas';
import type { OperatorClient } from '../connection.ts';
import { isRecord, parseObject } from '../output/json.ts';

/** The kinds whose objects are asked for, and how. */
const KINDS: ReadonlyMap<string, (node: OperatorClient, driver: string) => Promise<readonly string[]>> = new Map([
  [
    'volume',
    async (node: OperatorClient, driver: string) =>
      (await node.call('volume', 'list', { filters: { driver: [driver] } })).volumes.map(({ name }) => `volume ${name}`),
  ],
  [
    'network',
    async (node: OperatorClient, driver: string) =>
      (await node.call('network', 'list', { filters: { driver: [driver] } })).networks.map(({ name }) => `network ${name}`),
  ],
]);

const MOST_NAMED = 5;

/** Refuses to take away the driver of volumes or networks: without it they cannot even be removed. Throws `conflict` DRIVER_IN_USE. */
export async function checkDrivesNothing(node: OperatorClient, plugin: string): Promise<void> {
  const { manifest } = await node.call('plugin', 'inspect', { name: plugin });
  const drives = parseObject(manifest)['drives'];
  const objects = await Promise.all(
    (Array.isArray(drives) ? drives : []).filter(isRecord).map((one) => KINDS.get(String(one['kind']))?.(node, String(one['name'])) ?? []),
  );
  const names = objects.flat();
  if (names.length === 0) return;
  const shown = names.slice(0, MOST_NAMED).join(', ');
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  throw new CleatError('conflict', 'DRIVER_IN_USE', `the plugin ${plugin} is the driver of ${shown}${more}`, {
    hint: 'Remove them first, or use --force: they stay, and are of no use until the plugin is back.',
  });
}
