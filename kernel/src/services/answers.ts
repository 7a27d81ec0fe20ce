import type { ContractCall, ContractHandler } from '@cleat/core';
import type { KernelStore } from '../state/kernel-store.ts';
import { now } from '../state/kernel-store.ts';

const KEPT_NS = 600_000_000_000n;

/**
 * Operations that change something are answered alike when they come again under their id, also by the next kernel:
 * the answer is in the journal for ten minutes.
 */
export function remembered(
  store: KernelStore,
  contract: string,
  operation: string,
  handler: ContractHandler,
): ContractHandler {
  return async (request: never, call: ContractCall) => {
    const codec = store.book.anyOperation(contract, operation).response;
    const known = store.answers.get(`${call.callerKey} ${call.operationId}`);
    if (known !== undefined && known.at > now() - KEPT_NS) return codec.decode(known.answer);
    const answer = await handler(request, call);
    store.writeAnswer({
      caller: call.callerKey,
      operation: call.operationId,
      at: now(),
      answer: codec.encode(answer),
      error: '',
    });
    return answer;
  };
}
