import type { ContractCall } from '@cleat/core';
import type { interceptor, Manifest } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';
import type { EventDecoder } from '../events/event-decoder.ts';
import type { PluginHandlers } from '../plugin.ts';
import { ProviderRules } from '../provider/provider-rules.ts';
import { handlersOfService, type Role, rolesOf, titleOf } from './addresses.ts';

/** The handlers of a plugin behind the rules of its contracts. */
export class Operations {
  readonly #manifest: Manifest;
  readonly #decoder: EventDecoder;
  readonly #rules = new Map<string, ProviderRules>();
  /** Those of the kernel's kinds, which the kernel reconciles after every hello. */
  readonly #kinds: ProviderRules[] = [];
  #handlers: PluginHandlers = {};

  constructor(manifest: Manifest, decoder: EventDecoder) {
    this.#manifest = manifest;
    this.#decoder = decoder;
  }

  /** What set-up gave: a handler for every role of the manifest. */
  use(handlers: PluginHandlers): void {
    this.#handlers = handlers;
    for (const role of rolesOf(this.#manifest)) {
      if (role.type === 'provider') this.#kinds.push(this.#addRules(role, handlers.providers?.[role.kind], 'wait'));
      if (role.type === 'driver') this.#addRules(role, handlers.drivers?.[role.key], 'refuse');
    }
  }

  /** The kernel is about to say what each kind holds: until that is answered it gets nothing else. */
  expectReconcile(): void {
    for (const rules of this.#kinds) rules.expectReconcile();
  }

  close(reason: CleatError): void {
    for (const rules of this.#rules.values()) rules.close(reason);
  }

  async run(role: Role, request: never, call: ContractCall): Promise<unknown> {
    switch (role.type) {
      case 'provider':
      case 'driver': {
        const handler = this.#rules.get(role.address)?.operations[call.operation];
        if (handler === undefined) throw unanswered(role, call.operation);
        return handler(request, call);
      }
      case 'service': {
        const service = handlersOfService(this.#handlers, role.contract);
        const handler = service === undefined ? undefined : service[call.operation];
        if (typeof handler !== 'function') throw unanswered(role, call.operation);
        return handler.call(service, request, call);
      }
      case 'interceptor':
        return this.#judge(request, call);
    }
  }

  async #judge(request: interceptor.JudgeRequest, call: ContractCall): Promise<interceptor.JudgeResponseInput> {
    const { interceptor } = this.#handlers;
    if (interceptor === undefined) throw new CleatError('unimplemented', 'OPERATION_UNKNOWN', `${this.#manifest.name} judges nothing`);
    await this.#decoder.learn(request.schema);
    return interceptor.judge(request, this.#decoder.decodeRecord(request.schema, request.request), call);
  }

  #addRules(
    role: Role,
    handlers: ConstructorParameters<typeof ProviderRules>[0]['handlers'] | undefined,
    unreconciled: 'wait' | 'refuse',
  ): ProviderRules {
    if (handlers === undefined) throw new CleatError('internal', 'PLUGIN_HANDLERS', `there are no handlers for the ${titleOf(role)}`);
    const rules = new ProviderRules({ title: titleOf(role), handlers, unreconciled });
    this.#rules.set(role.address, rules);
    return rules;
  }
}

function unanswered(role: Role, operation: string): CleatError {
  return new CleatError('unimplemented', 'OPERATION_UNKNOWN', `the ${titleOf(role)} does not answer ${operation}`);
}
