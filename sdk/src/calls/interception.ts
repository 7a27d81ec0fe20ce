import type { ContractCall, ContractCaller } from '@cleat/core';
import { Deadline } from '@cleat/core/deadlines';
import type { interceptor, sys } from '@cleat/schemas';
import { CleatError, interceptorAddress, toCleatError } from '@cleat/schemas';
import { JUDGE_MS } from '../run/limits.ts';
import type { RegistryMirror } from './registry-mirror.ts';

/** Asks those who judge an operation before it is executed. One that is away, silent or fails denies. */
export class Interception {
  readonly #caller: ContractCaller;
  readonly #registry: RegistryMirror;

  constructor(caller: ContractCaller, registry: RegistryMirror) {
    this.#caller = caller;
    this.#registry = registry;
  }

  /** Throws `permission_denied` DENIED with the reason, or INTERCEPTOR_AWAY; both name the plugin. */
  async judge(call: ContractCall): Promise<void> {
    const operation = `${call.contract}.${call.operation}`;
    const judges = this.#registry.interceptorsOf(operation);
    for (const judge of judges) {
      // What a plugin asks for is not for itself to judge: it would wait for its own answer.
      if (judge.name === call.actor.caller) continue;
      const answer = await this.#ask(judge, operation, call);
      if (answer.allow) continue;
      const reason = answer.reason === '' ? 'no reason was given' : answer.reason;
      throw new CleatError('permission_denied', 'DENIED', `authorization denied by plugin ${judge.name}: ${reason}`, {
        plugin: judge.name,
      });
    }
  }

  async #ask(judge: sys.Participant, operation: string, call: ContractCall): Promise<interceptor.JudgeResponse> {
    const { name } = judge;
    // Not waited for: a policy that may be away for a while must not make every request slow.
    if (judge.state !== 'ready') throw away(name, operation, `it is ${judge.state}`);
    const request: interceptor.JudgeRequestInput = {
      operation,
      actor: call.actor,
      request: Buffer.from(call.request.body),
      schema: call.request.schema,
    };
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
