import type { Deadline } from '@cleat/core';
import type { providerTypes } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';

/** The calls of `provider@1` that have a number. */
export type ProviderOperation = 'reserve' | 'release' | 'attach' | 'detach' | 'update';

/** A call as its lane sees it. */
export interface LaneCall {
  readonly operation: ProviderOperation;
  readonly reference: providerTypes.Reference;
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
}

/** What a lane may have to end before a call begins. */
export interface LaneWork {
  /** Does it. */
  run(signal: AbortSignal): Promise<unknown>;
  /** Takes back the attach of that number, which a newer call ends. */
  end(number: number, signal: AbortSignal): Promise<void>;
}

interface Entry {
  readonly operation: ProviderOperation;
  readonly number: number;
  readonly controller: AbortController;
  answer: Promise<unknown>;
}

/** Everything that is asked about one object, container and claim: one after another, and nothing that is out of date. */
export class ClaimLane {
  readonly name: string;
  #bootId = '';
  #highest = 0;
  #isReserved = false;
  /** An attach must be above it: the last detach or release. */
  #attachAbove = 0;
  /** A reserve must be above it: the last release. */
  #reserveAbove = 0;
  /** The attach that may have to be ended: done, or begun and failed. */
  #openAttach: number | undefined;
  #last: { readonly operation: ProviderOperation; readonly number: number; readonly answer: unknown } | undefined;
  readonly #entries = new Set<Entry>();
  /** Settles, never rejects, when all that came so far has ended. */
  #tail: Promise<void> = Promise.resolve();

  constructor(name: string) {
    this.name = name;
  }

  /** True when there is nothing left of it but its numbers. */
  get isOver(): boolean {
    return this.#entries.size === 0 && !this.#isReserved && this.#openAttach === undefined;
  }

  /**
   * Runs a call in its turn. Throws `conflict` FENCED when a newer one was seen, `deadline_exceeded` CALL_LATE when its
   * turn comes too late.
   */
  run(call: LaneCall, work: LaneWork): Promise<unknown> {
    const { operation, reference } = call;
    const { number } = reference;
    this.#adopt(reference.bootId);
    const repeated = this.#repeated(operation, number);
    if (repeated !== undefined) return repeated;
    this.#check(operation, number);
    this.#highest = number;
    this.#abort((entry) => ends(call, entry), this.#fenced(operation, number, 'a newer call took its place'));
    const entry: Entry = { operation, number, controller: new AbortController(), answer: Promise.resolve() };
    this.#entries.add(entry);
    const turn = this.#tail;
    const own = turn.then(() => this.#perform(call, entry, work)).finally(() => this.#entries.delete(entry));
    this.#tail = own.then(
      () => undefined,
      () => undefined,
    );
    entry.answer = own;
    return own;
  }

  /** Aborts what runs or waits and resolves when it has ended. */
  async stop(reason: CleatError): Promise<void> {
    this.#abort(() => true, reason);
    await this.#tail;
  }

  /** What the caller says holds: its number is the newest, and an attach of that very number is still welcome. */
  held(reference: providerTypes.Reference, isAttached: boolean): void {
    this.#adopt(reference.bootId);
    this.#highest = Math.max(this.#highest, reference.number);
    this.#isReserved = true;
    this.#openAttach = isAttached ? reference.number : undefined;
    this.#last = undefined;
  }

  /** What was undone by a reconcile: nothing up to its number may come any more. */
  settled(reference: providerTypes.Reference, operation: string): void {
    this.#adopt(reference.bootId);
    this.#highest = Math.max(this.#highest, reference.number);
    this.#attachAbove = Math.max(this.#attachAbove, reference.number);
    if (operation === 'release') this.#reserveAbove = this.#highest;
    if (operation === 'release') this.#isReserved = false;
    this.#openAttach = undefined;
    this.#last = undefined;
  }

  /** Nothing of it is held any more. */
  dropped(): void {
    this.#isReserved = false;
    this.#openAttach = undefined;
    this.#last = undefined;
    this.#reserveAbove = this.#highest;
    this.#attachAbove = this.#highest;
  }

  /** Numbers are compared within one boot: another one begins anew. */
  #adopt(bootId: string): void {
    if (bootId === this.#bootId) return;
    if (this.#bootId !== '') {
      this.#abort(() => true, new CleatError('conflict', 'FENCED', `${this.name}: the call is of another boot of the host`));
    }
    this.#bootId = bootId;
    this.#highest = 0;
    this.#attachAbove = 0;
    this.#reserveAbove = 0;
    this.#isReserved = false;
    this.#openAttach = undefined;
    this.#last = undefined;
  }

  /** The answer of the same call, given before or on its way. */
  #repeated(operation: ProviderOperation, number: number): Promise<unknown> | undefined {
    if (this.#last?.operation === operation && this.#last.number === number && number === this.#highest) {
      return Promise.resolve(this.#last.answer);
    }
    for (const entry of this.#entries) {
      if (entry.operation === operation && entry.number === number && !entry.controller.signal.aborted) return entry.answer;
    }
    return undefined;
  }

  #check(operation: ProviderOperation, number: number): void {
    if (number < this.#highest) throw this.#fenced(operation, number, `number ${this.#highest} was seen already`);
    if (operation === 'attach' && number <= this.#attachAbove) {
      throw this.#fenced(operation, number, `it was ended by number ${this.#attachAbove}`);
    }
    if (operation === 'reserve' && number <= this.#reserveAbove) {
      throw this.#fenced(operation, number, `it was released by number ${this.#reserveAbove}`);
    }
  }

  #abort(which: (entry: Entry) => boolean, reason: CleatError): void {
    for (const entry of this.#entries) if (which(entry)) entry.controller.abort(reason);
  }

  async #perform(call: LaneCall, entry: Entry, work: LaneWork): Promise<unknown> {
    const { operation, number, controller } = entry;
    const signal = AbortSignal.any([call.signal, controller.signal]);
    this.#throwIfOver(call, entry);
    await this.#endOpenAttach(call, work, signal);
    this.#throwIfOver(call, entry);
    if (operation === 'attach') this.#openAttach = number;
    if (operation === 'reserve') this.#isReserved = true;
    if (operation === 'detach' || operation === 'release') this.#attachAbove = Math.max(this.#attachAbove, number);
    if (operation === 'release') this.#reserveAbove = number;
    const answer = await this.#outcome(work.run(signal), controller);
    if (operation === 'detach' || operation === 'release') this.#openAttach = undefined;
    if (operation === 'release') this.#isReserved = false;
    this.#last = { operation, number, answer };
    return answer;
  }

  /** A call that a newer one has ended says so, however its handler came to its end: what it did is void. */
  async #outcome(answer: Promise<unknown>, controller: AbortController): Promise<unknown> {
    try {
      const value = await answer;
      controller.signal.throwIfAborted();
      return value;
    } catch (error) {
      controller.signal.throwIfAborted();
      throw error;
    }
  }

  /** Rule 4: an attach, and a release, first end what an earlier attach has left. For a detach that is the work itself. */
  async #endOpenAttach(call: LaneCall, work: LaneWork, signal: AbortSignal): Promise<void> {
    const open = this.#openAttach;
    if (open === undefined) return;
    const isEnded = call.operation === 'release' || (call.operation === 'attach' && open < call.reference.number);
    if (!isEnded) return;
    await work.end(open, signal);
    this.#openAttach = undefined;
  }

  #throwIfOver(call: LaneCall, entry: Entry): void {
    entry.controller.signal.throwIfAborted();
    // Seen while it waited: a newer number, which nothing has aborted since it ends no call of this kind.
    if (entry.number < this.#highest && entry.operation !== 'detach' && entry.operation !== 'release') {
      throw this.#fenced(entry.operation, entry.number, `number ${this.#highest} was seen already`);
    }
    if (call.deadline.isExpired || call.signal.aborted) {
      throw new CleatError('deadline_exceeded', 'CALL_LATE', `${this.name}: the ${entry.operation} came too late to be begun`);
    }
  }

  #fenced(operation: string, number: number, why: string): CleatError {
    return new CleatError('conflict', 'FENCED', `${this.name}: ${operation} ${number} is out of date: ${why}`);
  }
}

/** True when a call ends another that runs or waits. */
function ends(call: LaneCall, other: { readonly operation: ProviderOperation; readonly number: number }): boolean {
  const { number } = call.reference;
  switch (call.operation) {
    case 'release':
      return other.operation !== 'release' || other.number < number;
    case 'detach':
      return other.operation === 'attach' && other.number <= number;
    case 'attach':
      return other.operation === 'attach' && other.number < number;
    case 'reserve':
      return other.operation === 'reserve' && other.number < number;
    case 'update':
      return false;
  }
}
