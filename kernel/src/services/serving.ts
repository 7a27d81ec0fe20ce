import type { ContractCall, ContractCallee, ContractHandler } from '@cleat/core';
import { CleatError } from '@cleat/schemas';
import type { KernelStore } from '../state/kernel-store.ts';
import { remembered } from './answers.ts';

/** Operations of the kernel that change something: answered alike when they come again after a crash. */
const CHANGING: Readonly<Record<string, readonly string[]>> = {
  container: ['start', 'stop', 'restart', 'kill', 'pause', 'unpause', 'remove', 'rename', 'update'],
  exec: ['start'],
  claim: ['add', 'remove', 'update'],
  view: ['open'],
};

/** Answers contracts by the methods of services that have the names of their operations. */
export function serveContracts(
  callee: ContractCallee,
  store: KernelStore,
  services: Readonly<Record<string, object>>,
): void {
  for (const [contract, service] of Object.entries(services)) {
    const changing = CHANGING[contract] ?? [];
    const handlers = store.book.operationsOf(contract).map((name) => {
      const handler = methodOf(service, contract, name);
      return [name, changing.includes(name) ? remembered(store, contract, name, handler) : handler] as const;
    });
    callee.serve(contract, contract, Object.fromEntries(handlers));
  }
}

function methodOf(service: object, contract: string, name: string): ContractHandler {
  const method: unknown = Reflect.get(service, name);
  if (typeof method !== 'function')
    throw new CleatError('internal', 'KERNEL_ORDER', `${contract} has no operation ${name}`);
  return (request: never, call: ContractCall) => Promise.resolve(Reflect.apply(method, service, [request, call]));
}
