import type { container } from '@cleat/schemas';
import type { Backend } from './backend.ts';
import { adapted, adapterKey } from './versions/adapters.ts';
import type { ApiVersion } from './versions/version.ts';
import { type ContainerSummary, containerSummary, statusText } from './wire/container-summary.ts';

/** Not asked for so long, the list is forgotten: it costs some kilobytes a container. */
const IDLE_MS = 5 * 60_000;

interface Line {
  readonly summary: ContainerSummary;
  /** JSON text around the status, by the set of adapters of a version. */
  readonly texts: Map<string, readonly [before: string, after: string]>;
}

/**
 * The summaries of all containers. Every list asks the kernel for what has changed since the last one, so that a client sees what it
 * has just done; only that is rendered again.
 */
export class ContainerCache {
  #lines = new Map<string, Line>();
  #sorted: readonly Line[] | undefined;
  #position = 0;
  #incarnation = '';
  /** One refresh at a time; all that ask while it runs share the one after it. */
  #running: Promise<void> = Promise.resolve();
  readonly #next = new Map<string, Promise<void>>();
  #idle: NodeJS.Timeout | undefined;

  /** Asks with the caller's own call, since the kernel judges who may list. */
  async refresh(principal: string, call: Backend['call']): Promise<void> {
    let next = this.#next.get(principal);
    if (next === undefined) {
      next = this.#running.then(async () => {
        this.#next.delete(principal);
        await this.#read(call);
      });
      this.#next.set(principal, next);
      this.#running = next.catch(() => undefined);
    }
    this.#touch();
    await next;
  }

  #touch(): void {
    if (this.#idle === undefined) {
      this.#idle = setTimeout(() => {
        this.#idle = undefined;
        this.#forget();
      }, IDLE_MS);
      this.#idle.unref();
    } else {
      this.#idle.refresh();
    }
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    this.#forget();
  }

  #forget(): void {
    this.#lines = new Map();
    this.#sorted = undefined;
    this.#position = 0;
    this.#incarnation = '';
  }

  async #read(call: Backend['call']): Promise<void> {
    let lines: Map<string, Line> | undefined;
    let cursor = '';
    do {
      const page = await call('container', 'list', { after: this.#position, incarnation: this.#incarnation, cursor });
      lines ??= page.full ? new Map() : new Map(this.#lines);
      for (const info of page.containers) lines.set(info.id, this.#lineOf(info));
      for (const id of page.removed) lines.delete(id);
      if (page.cursor === '') {
        this.#commit(lines, page);
        return;
      }
      cursor = page.cursor;
    } while (cursor !== '');
  }

  #commit(lines: Map<string, Line>, page: container.ListResponse): void {
    const isSame = !page.full && page.containers.length === 0 && page.removed.length === 0 && lines.size === this.#lines.size;
    if (!isSame) this.#sorted = undefined;
    this.#lines = lines;
    this.#position = page.position;
    this.#incarnation = page.incarnation;
  }

  #lineOf(info: container.Info): Line {
    return { summary: containerSummary(info), texts: new Map() };
  }

  #all(): readonly Line[] {
    // The newest first; of two made in one instant always the same one.
    this.#sorted ??= [...this.#lines.values()].toSorted(({ summary: left }, { summary: right }) =>
      left.createdAt === right.createdAt ? (left.id < right.id ? -1 : 1) : left.createdAt > right.createdAt ? -1 : 1,
    );
    return this.#sorted;
  }

  /** As of the last refresh, the newest first. */
  get summaries(): readonly ContainerSummary[] {
    return this.#all().map((line) => line.summary);
  }

  /** The JSON text of the list of those that `isWanted` takes, `limit` at most. */
  listText(version: ApiVersion, isWanted: (summary: ContainerSummary) => boolean, limit: number): string {
    const key = adapterKey('container.summary', version);
    const now = BigInt(Date.now()) * 1_000_000n;
    const parts: string[] = [];
    for (const line of this.#all()) {
      if (parts.length >= limit) break;
      if (!isWanted(line.summary)) continue;
      const [before, after] = textOf(line, key, version);
      parts.push(`${before}${JSON.stringify(statusText(line.summary, now))}${after}`);
    }
    return `[${parts.join(',')}]\n`;
  }
}

function textOf(line: Line, key: string, version: ApiVersion): readonly [string, string] {
  const known = line.texts.get(key);
  if (known !== undefined) return known;
  const text = JSON.stringify(adapted('container.summary', version, line.summary.json));
  // Status goes first: the one place in the text that is found without searching.
  const made = ['{"Status":', `,${text.slice(1)}`] as const;
  line.texts.set(key, made);
  return made;
}
