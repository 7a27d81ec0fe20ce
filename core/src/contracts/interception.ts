import type { interceptor } from '@cleat/schemas';
import { CleatError, interceptorAddress, toCleatError } from '@cleat/schemas';
import { Deadline } from '../deadlines/index.ts';
import type { ContractCall } from './contract-callee.ts';
import type { ContractCaller } from './contract-caller.ts';

const JUDGE_MS = 2_000;

/** One who judges an operation, and how it is. */
export interface Judge {
  readonly name: string;
  readonly state: string;
}

/** Asks those who judge an operation before it is executed. One that is away, silent or fails denies. */
export class Interception {
  readonly #caller: ContractCaller;
  readonly #judgesOf: (operation: string) => readonly Judge[];

  constructor(caller: ContractCaller, judgesOf: (operation: string) => readonly Judge[]) {
    this.#caller = caller;
    this.#judgesOf = judgesOf;
  }

  /** Throws `permission_denied` DENIED with the reason, or INTERCEPTOR_AWAY; both name the plugin. */
  async judge(call: ContractCall): Promise<void> {
    // A dead policy must not keep the node's root from removing it.
    if (call.contract === 'sys' || (call.contract === 'plugin' && call.actor.principal === 'uid:0')) return;
    const operation = `${call.contract}.${call.operation}`;
    for (const judge of this.#judgesOf(operation)) {
      // What a plugin asks for is not for itself to judge: it would wait for its own answer.
      if (judge.name === call.actor.caller) continue;
      const { allow, reason } = await this.#ask(judge, operation, call);
      if (allow) continue;
      const why = reason === '' ? 'no reason was given' : reason;
      throw new CleatError('permission_denied', 'DENIED', `authorization denied by plugin ${judge.name}: ${why}`, { plugin: judge.name });
    }
  }

  async #ask({ name, state }: Judge, operation: string, call: ContractCall): Promise<interceptor.JudgeResponse> {
    // Not waited for: a policy that may be away for a while must not make every request slow.
    if (state !== 'ready') throw away(name, operation, `it is ${state}`);
    const { body, schema } = call.request;
    const request: interceptor.JudgeRequestInput = { operation, actor: call.actor, request: Buffer.from(body), schema };
    try {
      return await this.#caller.call('interceptor', interceptorAddress(name), 'judge', request, {
        deadline: Deadline.after(JUDGE_MS).earlierOf(call.deadline),
        signal: call.signal,
        plugin: name,
      });
    } catch (error) {
      call.signal.throwIfAborted();
      throw away(name, operation, toCleatError(error).message);
    }
  }
}

function away(plugin: string, operation: string, why: string): CleatError {
  const message = `authorization denied: plugin ${plugin}, which judges ${operation}, gave no answer (${why})`;
  return new CleatError('permission_denied', 'INTERCEPTOR_AWAY', message, { plugin });
}
