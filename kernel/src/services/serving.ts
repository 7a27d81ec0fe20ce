import type { ContractCallee } from '@cleat/core';
import { methodHandler } from '@cleat/core/contracts';
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
export function serveContracts(callee: ContractCallee, store: KernelStore, services: Readonly<Record<string, object>>): void {
  for (const [contract, service] of Object.entries(services)) {
    const changing = CHANGING[contract] ?? [];
    const handlers = store.book.operationsOf(contract).map((name) => {
      const handler = methodHandler(service, contract, name);
      return [name, changing.includes(name) ? remembered(store, contract, name, handler) : handler] as const;
    });
    callee.serve(contract, contract, Object.fromEntries(handlers));
  }
}
