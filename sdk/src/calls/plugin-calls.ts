import type { ContractCaller, ContractCallOptions } from '@cleat/core';
import { Deadline } from '@cleat/core/deadlines';
import type { Contracts, SchemaBook, sys } from '@cleat/schemas';
import { CleatError, driverAddress, highestCommon, isCleatError, serviceAddress } from '@cleat/schemas';
import type { Call, CallOptions, DriverCalls } from '../plugin.ts';
import { PROGRESS_LIMIT_MS } from '../run/limits.ts';
import type { RegistryMirror } from './registry-mirror.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

/** Contracts that the kernel answers: it is always there, or will be in a moment. */
const KERNEL_CONTRACTS: ReadonlySet<string> = new Set([
  ...['container', 'exec', 'claim', 'view', 'event', 'sys', 'plugin', 'node', 'logdata'],
]);

export interface PluginCallsOptions {
  readonly caller: ContractCaller;
  readonly registry: RegistryMirror;
  readonly book: SchemaBook;
  /** The version of a kernel contract that the handshake picked. */
  readonly picked: (contract: string) => string | undefined;
}

interface Target {
  readonly contract: string;
  readonly operation: string;
  readonly address: string;
  /** For messages: "the contract volume", "the volume driver sshfs". */
  readonly what: string;
}

/** Typed calls to whoever answers: in the highest version that both sides speak, and failing at once when nobody is there. */
export class PluginCalls {
  readonly #options: PluginCallsOptions;
  readonly call: Call;

  constructor(options: PluginCallsOptions) {
    this.#options = options;
    this.call = (contract, operation, request, callOptions) => {
      const name = String(contract);
      return this.to({ contract: name, operation, address: serviceAddress(name), what: name }, request, callOptions ?? {});
    };
  }

  /** Calls an operation of a contract that is known only when the program runs. */
  any(contract: string, operation: string, request: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.to({ contract, operation, address: serviceAddress(contract), what: contract }, request, options);
  }

  /** Calls the driver of a kind by `provider@1`. Throws `unavailable` PLUGIN_AWAY. */
  driver<O extends keyof Contracts['provider'] & string>(
    driver: { readonly kind: string; readonly name: string },
    operation: O,
    request: Contracts['provider'][O]['input'],
    options: CallOptions = {},
  ): Promise<Contracts['provider'][O]['response']> {
    const { kind, name } = driver;
    const target = { contract: 'provider', operation, address: driverAddress(kind, name), what: `the ${kind} driver ${name}` };
    return this.to(target, request, options);
  }

  get drivers(): DriverCalls {
    return {
      names: (kind) => this.#options.registry.driverNames(kind),
      call: (driver, operation, request, options) => this.driver(driver, operation, request, options),
      onChange: (listener) => this.#options.registry.onChange(() => listener()),
      pluginOf: (driver) => this.#options.registry.at(driverAddress(driver.kind, driver.name))?.name,
    };
  }

  async to<Response>(target: Target, request: unknown, options: CallOptions): Promise<Response> {
    const deadline = options.deadline ?? Deadline.after(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    try {
      return await this.#once<Response>(target, request, options, deadline);
    } catch (error) {
      // The callee reads only what it has the schema of: it may have been upgraded, or replaced by an older one.
      if (!isCleatError(error) || error.code !== 'SCHEMA_UNKNOWN' || KERNEL_CONTRACTS.has(target.contract)) throw error;
      await this.#options.registry.refresh();
      return this.#once<Response>(target, request, { ...options, operationId: undefined }, deadline);
    }
  }

  async #once<Response>(target: Target, request: unknown, options: WithoutId<CallOptions>, deadline: Deadline): Promise<Response> {
    const { caller, registry, picked } = this.#options;
    const { contract, operation, address, what } = target;
    if (KERNEL_CONTRACTS.has(contract)) {
      const own = { ...callOptions(options, deadline), version: picked(contract), plugin: 'kernel' };
      return caller.call<Response>(contract, address, operation, request, own);
    }
    const callee = await registry.readyAt(address, what, deadline, options.signal);
    const version = this.#versionFor(contract, callee);
    return caller.call<Response>(contract, address, operation, request, {
      ...callOptions(options, deadline),
      version,
      plugin: callee.name,
    });
  }

  #versionFor(contract: string, callee: sys.Participant): string | undefined {
    const theirs = callee.contracts[contract];
    // It answers the contract, so it must have named it; one that did not is taken at its word by the highest.
    if (theirs === undefined) return undefined;
    const ours = this.#options.book.versionsOf(contract);
    const common = highestCommon(ours, theirs);
    if (common !== undefined) return common;
    const message = `plugin ${callee.name} speaks ${contract} ${theirs.join(', ')}, its caller ${ours.join(', ')}`;
    throw new CleatError('unavailable', 'INCOMPATIBLE', message, { plugin: callee.name, hint: 'Upgrade the older one of the two.' });
  }
}

type WithoutId<T> = Omit<T, 'operationId'> & { readonly operationId?: string | undefined };

function callOptions(options: WithoutId<CallOptions>, deadline: Deadline): ContractCallOptions {
  const { signal, operationId, principal, onProgress, limitMs } = options;
  const limit = limitMs ?? (onProgress === undefined ? undefined : PROGRESS_LIMIT_MS);
  return { deadline, signal, operationId, principal, onProgress, limit: limit === undefined ? undefined : Deadline.after(limit) };
}
