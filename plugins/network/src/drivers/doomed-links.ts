import type { Rtnetlink } from '@cleat/sdk/netlink';
import { deleteLinkGroup, isNetlinkErrno, setLink } from '@cleat/sdk/netlink';

/** By then a namespace that ended with its container has taken its links along. */
const GRACE_MS = 150;

/**
 * Host ends of containers' links that are to go. Deleting one waits for the kernel's grace period, some 20 ms, and most
 * go by themselves as their namespace ends; so they are cut off at once (0.3 ms), and what is left after a while is
 * deleted together, in a single grace period.
 */
export class DoomedLinks {
  readonly #routes: Rtnetlink;
  readonly #group: number;
  /** Names, with the network namespace at the other end. */
  readonly #names = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(routes: Rtnetlink, group: number) {
    this.#routes = routes;
    this.#group = group;
  }

  /** Cuts the link off from its bridge, and sees to it that it goes. */
  add(name: string, namespace: string): void {
    const link = this.#routes.link(name);
    if (link === undefined) return;
    try {
      this.#routes.execute(setLink(link.index, { masterIndex: 0, group: this.#group }));
    } catch (error) {
      if (!isNetlinkErrno(error, 'ENODEV')) throw error;
      return;
    }
    this.#names.set(name, namespace);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, GRACE_MS);
  }

  /** A namespace that gets another link first loses those that are to go: their names and routes would be in the way. */
  flushFrom(namespace: string): void {
    if ([...this.#names.values()].includes(namespace)) this.flush();
  }

  /** Deletes what is left of them, now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const left = [...this.#names.keys()].filter((name) => this.#routes.link(name) !== undefined);
    this.#names.clear();
    if (left.length === 0) return;
    try {
      this.#routes.execute(deleteLinkGroup(this.#group));
    } catch (error) {
      if (!isNetlinkErrno(error, 'ENODEV')) throw error;
    }
  }
}
