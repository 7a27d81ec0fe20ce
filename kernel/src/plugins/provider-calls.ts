import type { ContractCaller, Deadline } from '@cleat/core';
import { CleatError, type Contracts } from '@cleat/schemas';
import type { ProviderEntry, ProviderOperation, ProviderPort } from '../engine/ports.ts';
import type { PluginRegistry } from './registry.ts';

/** The engine's way to the providers: over the bus, in the version that each named at hello. */
export class ProviderCalls implements ProviderPort {
  readonly #registry: PluginRegistry;
  readonly #caller: ContractCaller;

  constructor(registry: PluginRegistry, caller: ContractCaller) {
    this.#registry = registry;
    this.#caller = caller;
  }

  find(kind: string): ProviderEntry | undefined {
    return this.#registry.providerOf(kind);
  }

  ready(kind: string, deadline: Deadline, signal?: AbortSignal): Promise<ProviderEntry> {
    return this.#registry.readyProvider(kind, deadline, signal);
  }

  checkOptions(entry: ProviderEntry, options: string): Promise<void> {
    return this.#registry.checkOptions(entry, options);
  }

  async call<O extends ProviderOperation>(
    at: { readonly plugin: string; readonly kind: string },
    operation: O,
    request: Contracts['provider'][O]['input'],
    options: { readonly deadline: Deadline; readonly signal?: AbortSignal | undefined },
  ): Promise<Contracts['provider'][O]['response']> {
    const entry = this.#registry.find(at.plugin);
    if (entry === undefined)
      throw new CleatError('unavailable', 'PLUGIN_AWAY', `plugin ${at.plugin} is not installed`, { plugin: at.plugin });
    const signals = options.signal === undefined ? [entry.gone.signal] : [entry.gone.signal, options.signal];
    return this.#caller.call('provider', `provider.${at.kind}`, operation, request, {
      deadline: options.deadline,
      signal: AbortSignal.any(signals),
      version: entry.picked['provider'],
      plugin: at.plugin,
    });
  }
}
