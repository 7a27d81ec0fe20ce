import type { ContractCall, ContractHandler } from '@cleat/core';
import type { provider, providerTypes } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';
import type { CallContext, ProviderHandlers } from '../plugin.ts';
import { Gate } from '../run/gate.ts';
import { ClaimLane, type ProviderOperation } from './claim-lane.ts';

/** Numbers of what is over are kept for calls that are still on their way. */
const OVER_MOST = 4_096;

export interface ProviderRulesOptions {
  /** "volume", "volume driver sshfs": for messages. */
  readonly title: string;
  readonly handlers: ProviderHandlers;
  /** A driver says that it was not reconciled yet, so that its kind can do that and ask again; a provider of the kernel waits. */
  readonly unreconciled: 'wait' | 'refuse';
}

/** Keeps the rules of provider@1 for the handlers of one kind or driver. */
export class ProviderRules {
  readonly #options: ProviderRulesOptions;
  readonly #gate = new Gate();
  readonly #lanes = new Map<string, ClaimLane>();
  /** What is over, in the order in which it ended. */
  readonly #over = new Map<string, ClaimLane>();
  readonly #pages = new Map<string, provider.ReconcileRequest[]>();
  #reconciling = 0;

  constructor(options: ProviderRulesOptions) {
    this.#options = options;
  }

  /** One handler an operation of the contract. */
  get operations(): Readonly<Record<string, ContractHandler>> {
    return {
      reserve: (request: provider.ReserveRequest, call) => this.#numbered('reserve', request, call),
      release: (request: provider.ReleaseRequest, call) => this.#numbered('release', request, call),
      attach: (request: provider.AttachRequest, call) => this.#numbered('attach', request, call),
      detach: (request: provider.DetachRequest, call) => this.#numbered('detach', request, call),
      update: (request: provider.UpdateRequest, call) => this.#numbered('update', request, call),
      reconcile: (request: provider.ReconcileRequest, call) => this.#reconcilePage(request, call),
      list: (request: provider.ListRequest, call) => this.#list(request, call),
    };
  }

  /** From now on calls wait until the next reconcile is answered. */
  expectReconcile(): void {
    this.#gate.shut();
  }

  /** Turns away what waits: the plugin ends. */
  close(reason: CleatError): void {
    this.#gate.fail(reason);
  }

  async #numbered<R extends { readonly reference: providerTypes.Reference }>(
    operation: ProviderOperation,
    request: R,
    call: ContractCall,
  ): Promise<unknown> {
    checkReference(request.reference);
    await this.#pass(call);
    const handler = this.#options.handlers[operation];
    if (handler === undefined) throw new CleatError('unimplemented', 'OPERATION_UNKNOWN', `${this.#options.title} does not ${operation}`);
    const key = keyOf(request.reference);
    const lane = this.#lane(key, request.reference);
    const answer = await lane.run(
      { operation, reference: request.reference, deadline: call.deadline, signal: call.signal },
      {
        // Of the operation's own type: the contract decoded it.
        run: (signal) => handler.call(this.#options.handlers, request as never, contextOf(call, signal)),
        end: (number, signal) => this.#end({ ...request.reference, number }, contextOf(call, signal)),
      },
    );
    this.#retire(key, lane);
    return answer;
  }

  async #list(request: provider.ListRequest, call: ContractCall): Promise<provider.ListResponseInput> {
    await this.#pass(call);
    const { handlers, title } = this.#options;
    if (handlers.list === undefined) throw new CleatError('unimplemented', 'OPERATION_UNKNOWN', `${title} has no drivers`);
    return handlers.list(request, contextOf(call, call.signal));
  }

  async #end(reference: providerTypes.Reference, call: CallContext): Promise<void> {
    await this.#options.handlers.detach?.({ reference }, call);
  }

  async #pass(call: ContractCall): Promise<void> {
    if (this.#gate.isOpen) return;
    if (this.#options.unreconciled === 'refuse' && this.#reconciling === 0) {
      const message = `the ${this.#options.title} has to be told first what it holds`;
      throw new CleatError('unavailable', 'RECONCILE_FIRST', message, { retryable: true });
    }
    await this.#gate.wait(call.signal);
  }

  async #reconcilePage(request: provider.ReconcileRequest, call: ContractCall): Promise<provider.ReconcileResponseInput> {
    const gathered = request.page === 0 ? [] : (this.#pages.get(call.callerKey) ?? []);
    if (request.page !== gathered.length) {
      this.#pages.delete(call.callerKey);
      throw new CleatError('conflict', 'RECONCILE_PAGE', `page ${gathered.length} of the reconcile was expected, not ${request.page}`, {
        retryable: true,
      });
    }
    gathered.push(request);
    if (!request.last) {
      this.#pages.set(call.callerKey, gathered);
      return {};
    }
    this.#pages.delete(call.callerKey);
    return this.#reconcile(gathered, call);
  }

  async #reconcile(pages: readonly provider.ReconcileRequest[], call: ContractCall): Promise<provider.ReconcileResponseInput> {
    const held = pages.flatMap((page) => page.held);
    const owed = pages.flatMap((page) => page.owed);
    const { bootId = '', position = 0 } = pages.at(-1) ?? {};
    this.#gate.shut();
    this.#reconciling += 1;
    try {
      const reason = new CleatError('conflict', 'FENCED', `the ${this.#options.title} is told anew what it holds`);
      await raced(Promise.all([...this.#lanes.values()].map((lane) => lane.stop(reason))), call.signal);
      const response = await this.#options.handlers.reconcile({ bootId, position, held, owed }, call);
      this.#settle(held, owed);
      this.#gate.open();
      return response;
    } finally {
      this.#reconciling -= 1;
    }
  }

  /** What the caller says is now the truth; numbers only ever grow. */
  #settle(held: readonly provider.Held[], owed: readonly provider.Owed[]): void {
    const before = new Map(this.#lanes);
    for (const { reference, attached } of held) {
      const key = keyOf(reference);
      before.delete(key);
      this.#lane(key, reference).held(reference, attached);
    }
    for (const { reference, operation } of owed) {
      const key = keyOf(reference);
      before.delete(key);
      const lane = this.#lane(key, reference);
      lane.settled(reference, operation);
      this.#retire(key, lane);
    }
    for (const [key, lane] of before) {
      lane.dropped();
      this.#retire(key, lane);
    }
  }

  #lane(key: string, reference: providerTypes.Reference): ClaimLane {
    const known = this.#lanes.get(key) ?? this.#over.get(key) ?? new ClaimLane(nameOf(reference));
    this.#over.delete(key);
    this.#lanes.set(key, known);
    return known;
  }

  #retire(key: string, lane: ClaimLane): void {
    if (!lane.isOver) return;
    this.#lanes.delete(key);
    this.#over.set(key, lane);
    const [oldest] = this.#over.keys();
    if (this.#over.size > OVER_MOST && oldest !== undefined) this.#over.delete(oldest);
  }
}

/** The call as a handler sees it, with a signal of its own. */
function contextOf(call: ContractCall, signal: AbortSignal): CallContext {
  return {
    operationId: call.operationId,
    actor: call.actor,
    get deadline() {
      return call.deadline;
    },
    signal,
    progress: (progress) => call.progress(progress),
  };
}

function checkReference(reference: providerTypes.Reference): void {
  const { object, bootId, number } = reference;
  if (object !== '' && bootId !== '' && Number.isSafeInteger(number) && number > 0) return;
  throw new CleatError('invalid_argument', 'REFERENCE_INVALID', 'a reference needs an object, a boot id, and a number from 1 on');
}

function keyOf({ object, container, claim }: providerTypes.Reference): string {
  return `${object}\n${container}\n${claim}`;
}

function nameOf({ object, container, claim }: providerTypes.Reference): string {
  return claim === '' ? object : `${claim} of ${container.slice(0, 12)}`;
}

function raced<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
