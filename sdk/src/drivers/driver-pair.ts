import type { Logger } from '@cleat/core';
import { Deadline, reconcilePages, settledBy } from '@cleat/core';
import type { provider } from '@cleat/schemas';
import { CleatError, isCleatError, toCleatError } from '@cleat/schemas';
import type { DriverCalls } from '../plugin.ts';
import type { LedgerDebt } from './ledger-book.ts';

const RECONCILE_MS = 60_000;
const DEBT_MS = 30_000;

export interface DriverPairParts {
  readonly kind: string;
  readonly driver: string;
  readonly drivers: DriverCalls;
  readonly bootId: string;
  readonly log: Logger;
  readonly held: () => readonly provider.HeldInput[];
  readonly debts: () => readonly LedgerDebt[];
  readonly paid: (debt: LedgerDebt) => void;
  readonly lacks: (object: string) => void;
}

/** A kind and one of its drivers: told what it holds before it is asked for anything, after each time that it was away. */
export class DriverPair {
  readonly #parts: DriverPairParts;
  #reconciled: Promise<void> | undefined;

  constructor(parts: DriverPairParts) {
    this.#parts = parts;
  }

  /** It was away: what it holds has to be told anew. */
  lost(): void {
    this.#reconciled = undefined;
  }

  /** Resolves when the driver knows what it holds. Throws `unavailable` PLUGIN_AWAY, or what its reconcile failed with. */
  async reconciled(scope: { readonly deadline: Deadline; readonly signal: AbortSignal }): Promise<void> {
    this.#reconciled ??= this.#begin();
    const { kind, driver } = this.#parts;
    const late = new CleatError('deadline_exceeded', 'DRIVER_SLOW', `the ${kind} driver ${driver} does not say in time what it holds`, {
      plugin: this.#parts.drivers.pluginOf({ kind, name: driver }),
    });
    scope.signal.throwIfAborted();
    await scope.deadline.fraction(0.9).race(this.#reconciled, () => late);
  }

  /** Reconciles if that is due, then asks for what is still owed. True when nothing is left. */
  async settle(signal: AbortSignal): Promise<boolean> {
    const { log, driver } = this.#parts;
    try {
      await this.reconciled({ deadline: Deadline.after(RECONCILE_MS), signal });
      for (const debt of this.#parts.debts()) await this.#pay(debt, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      log.warn('a driver is not up to date yet', { driver, error: toCleatError(error).message });
      return false;
    }
  }

  #begin(): Promise<void> {
    const begun = this.#reconcile();
    begun.catch(() => {
      // The next one that needs it tries again.
      if (this.#reconciled === begun) this.#reconciled = undefined;
    });
    return begun;
  }

  async #reconcile(): Promise<void> {
    const { kind, driver, drivers, bootId, log } = this.#parts;
    const debts = this.#parts.debts();
    const content = { bootId, position: 0, held: this.#parts.held(), owed: debts.map(({ owed }) => owed) };
    const deadline = Deadline.after(RECONCILE_MS);
    let last: provider.ReconcileResponse = { lacks: [], failures: [] };
    for (const page of reconcilePages(content)) last = await drivers.call({ kind, name: driver }, 'reconcile', page, { deadline });
    const settled = settledBy(content.owed, last);
    for (const debt of debts) if (settled.includes(debt.owed)) this.#parts.paid(debt);
    for (const { reference, reason } of last.failures) log.warn('a driver could not undo', { driver, object: reference.object, reason });
    for (const { object, container } of last.lacks) {
      log.error('a driver lacks what it should hold', { driver, object, container });
      if (container === '') this.#parts.lacks(object);
    }
  }

  async #pay(debt: LedgerDebt, signal: AbortSignal): Promise<void> {
    const { kind, driver, drivers } = this.#parts;
    const { reference, operation, purge } = debt.owed;
    const options = { timeoutMs: DEBT_MS, signal };
    try {
      if (operation === 'release') await drivers.call({ kind, name: driver }, 'release', { reference, purge: purge ?? false }, options);
      else await drivers.call({ kind, name: driver }, 'detach', { reference }, options);
    } catch (error) {
      // A newer call has ended it: there is nothing left to undo.
      if (!isCleatError(error) || error.code !== 'FENCED') throw error;
    }
    this.#parts.paid(debt);
  }
}
