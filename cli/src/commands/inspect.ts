import type { container } from '@cleat/schemas';
import { CleatError, type ErrorClass, isCleatError } from '@cleat/schemas/errors';
import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../command/exit-codes.ts';
import { failureText } from '../command/failure.ts';
import { usageError } from '../command/usage-error.ts';
import { type OperatorClient, withNode } from '../connection.ts';
import { jsonText, unpacked } from '../output/json.ts';
import { painter } from '../output/style.ts';
import { write } from '../output/writer.ts';

type Find = (node: OperatorClient, name: string) => Promise<unknown>;

const KINDS: ReadonlyMap<string, Find> = new Map<string, Find>([
  ['container', async (node, name) => containerObject(await node.call('container', 'inspect', { container: name }))],
  ['image', (node, image) => node.call('image', 'inspect', { image })],
  ['volume', (node, name) => node.call('volume', 'inspect', { name })],
  ['network', (node, network) => node.call('network', 'inspect', { network })],
]);

export const inspectCommand: Command = defineCommand({
  usage: ['inspect [flags] NAME...'],
  about: 'Looks among containers, then images, volumes and networks, and prints an array of what it found, always in JSON.',
  options: { type: { type: 'string', value: 'KIND', help: `only among these: ${[...KINDS.keys()].join(', ')}` } },
  operands: { least: 1 },
  json: true,
  examples: [
    { command: 'cleat inspect web', does: 'all that is known of a container' },
    { command: `cleat inspect web | jq -r '.[0].claims[] | select(.claim.kind == "network") | .status.ipv4'`, does: 'its address' },
  ],
  run: ({ flags, operands, globals }) => {
    const kinds = flags.type === undefined ? [...KINDS.values()] : [KINDS.get(flags.type)].filter((find) => find !== undefined);
    if (kinds.length === 0) throw usageError(`--type ${flags.type ?? ''}: not one of ${[...KINDS.keys()].join(', ')}`);
    return withNode(globals, (node) =>
      inspectAll(operands, (name) => firstOf(node, kinds, name, flags.type ?? 'container, image, volume or network')),
    );
  },
});

/** Prints what is found as one array, and tells what is not. */
export async function inspectAll(names: readonly string[], find: (name: string) => Promise<unknown>): Promise<number> {
  const found: unknown[] = [];
  let code = EXIT_OK;
  for (const name of names) {
    try {
      found.push(await find(name));
    } catch (error) {
      process.stderr.write(failureText(error, painter(false)));
      code = EXIT_FAILED;
    }
  }
  write(jsonText(found));
  return code;
}

/** Those whose plugin is away, or to whom such a name says nothing, have none of that name. */
async function firstOf(node: OperatorClient, kinds: readonly Find[], name: string, what: string): Promise<unknown> {
  for (const find of kinds) {
    try {
      return await find(node, name);
    } catch (error) {
      const isElsewhere = isCleatError(error) && ELSEWHERE.has(error.class);
      if (!isElsewhere) throw error;
    }
  }
  throw new CleatError('not_found', 'NOTHING_FOUND', `there is no ${what} ${name}`);
}

const ELSEWHERE: ReadonlySet<ErrorClass> = new Set<ErrorClass>(['not_found', 'unavailable', 'invalid_argument']);

/** Options and status of claims are JSON texts on the bus; here they are what they hold. */
export function containerObject(info: container.Info): unknown {
  return {
    ...info,
    claims: info.claims.map((state) => ({
      ...state,
      claim: { ...state.claim, options: unpacked(state.claim.options) },
      status: unpacked(state.status),
    })),
  };
}
