import type { ContractCall, ContractHandler } from '@cleat/core';
import { wallClockNs as now } from '@cleat/core/deadlines';
import { isCleatError } from '@cleat/schemas';
import type { KernelStore } from '../state/kernel-store.ts';

const KEPT_NS = 600_000_000_000n;
/** Stands where an error would: the operation was begun, and its end is not known. */
const BEGUN = 'begun';

/** What an operation fails with when it was done already, and what it answers when that was itself. */
const DONE_BEFORE: ReadonlyMap<string, { readonly codes: readonly string[]; readonly answer: object }> = new Map([
  ['container.remove', { codes: ['CONTAINER_NOT_FOUND'], answer: {} }],
  ['container.rename', { codes: ['CONTAINER_NOT_FOUND', 'CONTAINER_NAME_SAME'], answer: {} }],
  ['container.pause', { codes: ['CONTAINER_PAUSED'], answer: {} }],
  ['container.unpause', { codes: ['CONTAINER_NOT_PAUSED'], answer: {} }],
  ['container.kill', { codes: ['CONTAINER_NOT_RUNNING'], answer: {} }],
  ['exec.start', { codes: ['EXEC_STARTED'], answer: {} }],
  ['claim.add', { codes: ['CLAIM_EXISTS'], answer: {} }],
  ['claim.remove', { codes: ['CLAIM_NOT_FOUND'], answer: {} }],
]);

/**
 * Operations that change something are answered alike when they come again under their id, also by the next kernel:
 * the answer is in the journal for ten minutes. A kernel that is killed between the change and its answer leaves word that
 * the operation was begun, so that "it is gone already" is no failure for who asked for it.
 */
export function remembered(store: KernelStore, contract: string, operation: string, handler: ContractHandler): ContractHandler {
  return async (request: never, call: ContractCall) => {
    const codec = store.book.anyOperation(contract, operation).response;
    const own = { caller: call.callerKey, operation: call.operationId };
    const known = store.answers.get(`${own.caller} ${own.operation}`);
    const isKnown = known !== undefined && known.at > now() - KEPT_NS;
    if (isKnown && known.error === '') return codec.decode(known.answer);
    if (!isKnown) store.writeAnswer({ ...own, at: now(), answer: Buffer.alloc(0), error: BEGUN });
    const answer = await handler(request, call).catch((error: unknown) => {
      const done = isKnown ? DONE_BEFORE.get(`${contract}.${operation}`) : undefined;
      if (done === undefined || !isCleatError(error) || !done.codes.includes(error.code)) throw error;
      return done.answer;
    });
    store.writeAnswer({ ...own, at: now(), answer: codec.encode(answer), error: '' });
    return answer;
  };
}
