import type { ContractCall } from '@cleat/core';
import { KERNEL_SERVICES } from '@cleat/core/contracts';
import { CleatError, matchesPattern, type sys } from '@cleat/schemas';
import type { Handshake } from '../plugins/handshake.ts';
import type { PluginRegistry } from '../plugins/registry.ts';
import { objectEvent } from '../state/event-draft.ts';
import type { KernelStore } from '../state/kernel-store.ts';

export interface SysServiceParts {
  readonly store: KernelStore;
  readonly registry: PluginRegistry;
  readonly handshake: Handshake;
  readonly keyOf: (name: string) => string;
  readonly whoIs: (key: string) => string | undefined;
}

/** `sys@1`: what every participant and the kernel have with each other. */
export class SysService {
  readonly #parts: SysServiceParts;

  constructor(parts: SysServiceParts) {
    this.#parts = parts;
  }

  async ready(request: sys.ReadyRequest, call: ContractCall): Promise<object> {
    await this.#parts.handshake.ready(request.instance, call.callerKey);
    return {};
  }

  async beat(request: sys.BeatRequest, call: ContractCall): Promise<sys.BeatResponseInput> {
    return { known: this.#parts.handshake.beat(request.instance, call.callerKey) };
  }

  /** An event of a plugin's own object: durable when this answers. Only types that its grant names. */
  async event(request: sys.EventRequest, call: ContractCall): Promise<sys.EventResponseInput> {
    const { store, registry, whoIs } = this.#parts;
    const name = whoIs(call.callerKey) ?? '';
    const { type, subject, labels, properties } = request.event;
    const grant = registry.get(name).installed.grant;
    if (!matchesPattern(grant.publishes, type))
      throw new CleatError('permission_denied', 'EVENT_NOT_GRANTED', `plugin ${name} was not granted events of the type ${type}`, {
        plugin: name,
      });
    const key = `${name} ${request.store}`;
    const known = store.pluginEvents.get(key) ?? 0;
    if (request.number > known + 1)
      throw new CleatError('conflict', 'EVENT_NUMBER', `event ${request.number} of ${name} came before ${known + 1}`, {
        retryable: true,
        details: { durable: String(known) },
      });
    const actor = grant.speakFor && request.actor.principal !== '' ? request.actor : call.actor;
    store.writePluginEvent(name, request.store, request.number, objectEvent(type, subject, { actor, labels, properties }));
    await store.sync();
    return { durable: store.pluginEvents.get(key) ?? known };
  }

  async registry(): Promise<sys.RegistryResponseInput> {
    const { store, registry, keyOf } = this.#parts;
    const kernel = {
      name: 'kernel',
      version: '',
      state: 'ready',
      contracts: kernelContracts(store),
      addresses: [],
      intercepts: [],
      key: keyOf('kernel'),
      speaksFor: true,
    };
    const operator = {
      name: 'operator',
      version: '',
      state: 'ready',
      contracts: {},
      addresses: [],
      intercepts: [],
      key: keyOf('operator'),
      speaksFor: true,
    };
    return { position: store.newest, participants: [kernel, operator, ...registry.participants(keyOf)] };
  }

  async schema(request: sys.SchemaRequest): Promise<sys.SchemaResponseInput> {
    const { book } = this.#parts.store;
    if (!book.knows(request.fingerprint))
      throw new CleatError('not_found', 'SCHEMA_UNKNOWN', `no schema has the fingerprint ${request.fingerprint}`);
    const { contract, version, schema } = book.schemaOf(request.fingerprint);
    return { contract, version, schema: JSON.stringify(schema) };
  }
}

function kernelContracts(store: KernelStore): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries([...KERNEL_SERVICES, 'provider'].map((contract) => [contract, store.book.versionsOf(contract)]));
}
