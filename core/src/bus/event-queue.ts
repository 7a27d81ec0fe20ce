/** Items on their way to one reader: bounded in number and bytes, so that a slow reader costs no more than that. */
export class EventQueue<T> {
  readonly #items: { readonly item: T; readonly bytes: number }[] = [];
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #bytes = 0;
  #isEnded = false;
  #wake: () => void = () => undefined;

  constructor(options: { readonly maxCount: number; readonly maxBytes: number }) {
    this.#maxCount = options.maxCount;
    this.#maxBytes = options.maxBytes;
  }

  /** False when there is no room: nothing was added. */
  offer(item: T, bytes: number): boolean {
    if (this.#items.length >= this.#maxCount || this.#bytes + bytes > this.#maxBytes) return false;
    this.push(item, bytes);
    return true;
  }

  /** Adds whatever the bounds say: for the rare item that tells of a loss. */
  push(item: T, bytes = 0): void {
    if (this.#isEnded) return;
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The next item; waits for one; undefined at the end. One reader at a time. */
  async next(): Promise<T | undefined> {
    for (;;) {
      const entry = this.#items.shift();
      if (entry !== undefined) {
        this.#bytes -= entry.bytes;
        return entry.item;
      }
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
