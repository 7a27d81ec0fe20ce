import { type ContractCall, type ContractCaller, Deadline } from '@cleat/core';
import type { interceptor } from '@cleat/schemas';
import { CleatError, toCleatError } from '@cleat/schemas';
import type { PluginRegistry } from '../plugins/registry.ts';

const JUDGE_MS = 2_000;

/** Asks those who judge an operation, before it is executed. One that is away or silent denies. */
export class Interception {
  readonly #registry: PluginRegistry;
  readonly #caller: ContractCaller;

  constructor(registry: PluginRegistry, caller: ContractCaller) {
    this.#registry = registry;
    this.#caller = caller;
  }

  async judge(call: ContractCall): Promise<void> {
    const operation = `${call.contract}.${call.operation}`;
    // A dead policy must not keep the node's root from removing it.
    if (call.contract === 'sys' || (call.contract === 'plugin' && call.actor.principal === 'uid:0')) return;
    for (const entry of this.#registry.interceptorsOf(operation)) {
      const { name } = entry.installed.manifest;
      // What a plugin does is not for itself to judge: it would wait for its own answer.
      if (name === call.actor.caller) continue;
      if (entry.state !== 'ready') throw denied(name, operation, `it is ${entry.state}`);
      const { allow, reason } = await this.#ask(name, operation, call);
      if (!allow)
        throw new CleatError('permission_denied', 'DENIED', `authorization denied by plugin ${name}: ${reason}`, {
          plugin: name,
        });
    }
  }

  async #ask(name: string, operation: string, call: ContractCall): Promise<interceptor.JudgeResponse> {
    const request = { operation, actor: call.actor, request: call.request.body, schema: call.request.schema };
    try {
      return await this.#caller.call('interceptor', `interceptor.${name}`, 'judge', request, {
        deadline: Deadline.after(JUDGE_MS),
        plugin: name,
      });
    } catch (error) {
      throw denied(name, operation, toCleatError(error).message);
    }
  }
}

function denied(plugin: string, operation: string, why: string): CleatError {
  return new CleatError(
    'permission_denied',
    'INTERCEPTOR_AWAY',
    `authorization denied: plugin ${plugin}, which judges ${operation}, gave no answer (${why})`,
    { plugin },
  );
}
