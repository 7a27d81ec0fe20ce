import type { OperatorClient } from '@cleat/sdk/client';
import type { Globals } from './command/command.ts';

export type { OperatorClient } from '@cleat/sdk/client';

/** Does something with the node, and leaves it. Throws `unavailable` NODE_NOT_RUNNING, `permission_denied` OPERATOR_ONLY. */
export async function withNode<T>(globals: Pick<Globals, 'runDir'>, work: (node: OperatorClient) => Promise<T>): Promise<T> {
  // Loaded here: help and everything else that asks nobody does without it.
  const { connectOperator } = await import('@cleat/sdk/client');
  const node = await connectOperator(globals.runDir);
  try {
    return await work(onBehalfOfUser(node));
  } finally {
    await node.close();
  }
}

/** Journal and events shall name the user, and not just the command; root of the node is who may always mend its plugins. */
function onBehalfOfUser(node: OperatorClient): OperatorClient {
  const principal = `uid:${process.getuid?.() ?? 0}`;
  return {
    ...node,
    call: (contract, operation, request, options) => node.call(contract, operation, request, { principal, ...options }),
    callAny: (contract, operation, request, options) => node.callAny(contract, operation, request, { principal, ...options }),
  };
}

/** For what takes as long as a container likes: whoever works on it says so, which renews the deadline up to this. */
export const LONG_CALL = { timeoutMs: 30_000, limitMs: 3_600_000 } as const;
