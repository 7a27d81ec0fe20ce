import type { Digest } from './digest.ts';

/** Keeps blobs and layers that no image names yet from being collected, while an operation works with them. */
export interface Lease {
  hold(digest: Digest): void;
  release(): void;
}

/** All leases of a process. They need not outlive it: what a killed operation left is collected at the next start. */
export class Leases {
  readonly #held = new Set<ReadonlySet<Digest>>();

  take(): Lease {
    const digests = new Set<Digest>();
    this.#held.add(digests);
    return { hold: (digest) => void digests.add(digest), release: () => void this.#held.delete(digests) };
  }

  isHeld(digest: Digest): boolean {
    for (const digests of this.#held) if (digests.has(digest)) return true;
    return false;
  }
}
