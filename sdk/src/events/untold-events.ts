import { randomUUID } from 'node:crypto';
import type { providerTypes } from '@cleat/schemas';

/** An event that a plugin writes into the record of the change it tells of. Plain data: it can be kept as JSON. */
export interface UntoldEvent {
  /** So that it is one event, however often it is published. */
  readonly key: string;
  readonly event: providerTypes.EventInput;
}

/** How events are told, and what is written down of it. */
export interface Telling {
  /** `context.publish` with the key. */
  readonly publish: (event: providerTypes.EventInput, options: { readonly key: string }) => Promise<void>;
  /** Writes the record that it was told, and calls `drop` as the replay of that record does. */
  readonly told: (key: string) => void;
  /** Why the rest is told by the next call, not by this one. */
  readonly onFailure: (error: unknown) => void;
  /** True for one that is not to be told yet, as what it tells of may still be taken back. It holds up no other. */
  readonly isHeldBack?: (event: providerTypes.EventInput) => boolean;
}

/** An event with a key of its own, to be written with the change that it tells of. */
export function untoldEvent(event: providerTypes.EventInput): UntoldEvent {
  return { key: randomUUID(), event };
}

/**
 * The events that a plugin has written down with its changes and not published yet: an outbox in the plugin's own journal, so that
 * a change and its event are one record. A process that is killed before or after it has published one leaves it to the next,
 * which publishes it under the same key: never lost, never two.
 *
 * It holds no journal. Its owner calls `add` and `drop` where it applies its records, also at the replay, and writes `all` with what
 * a rotation keeps; it calls `tell` after each change and when the plugin is ready.
 */
export class UntoldEvents {
  readonly #events = new Map<string, UntoldEvent>();
  #telling: Promise<void> = Promise.resolve();

  /** What is not known to have been published, in order. */
  get all(): readonly UntoldEvent[] {
    return [...this.#events.values()];
  }

  has(key: string): boolean {
    return this.#events.has(key);
  }

  add(untold: UntoldEvent | undefined): void {
    if (untold !== undefined) this.#events.set(untold.key, untold);
  }

  drop(key: string): void {
    this.#events.delete(key);
  }

  /** Forgets those about an object that has never been, for whoever listens. */
  forget(subject: string): void {
    for (const { key, event } of this.all) if (event.subject === subject) this.#events.delete(key);
  }

  /** Publishes what is there, in order, after whatever an earlier call still publishes. Ends at the first failure; never throws. */
  tell(telling: Telling): Promise<void> {
    this.#telling = this.#telling.then(() => this.#tell(telling));
    return this.#telling;
  }

  async #tell({ publish, told, onFailure, isHeldBack }: Telling): Promise<void> {
    try {
      for (const { key, event } of this.all) {
        if (isHeldBack?.(event) === true) continue;
        await publish(event, { key });
        told(key);
      }
    } catch (error) {
      onFailure(error);
    }
  }
}
