import { existsSync } from 'node:fs';
import { run } from './commands.mjs';

/** A network namespace of its own, so that bridges and rules of two engines do not meet. */
export class NetworkPlace {
  #name;

  constructor(name) {
    this.#name = name;
    run('ip', ['netns', 'add', name]);
    run('nsenter', [`--net=${this.path}`, 'ip', 'link', 'set', 'lo', 'up']);
  }

  get path() {
    return `/run/netns/${this.#name}`;
  }

  remove() {
    if (existsSync(this.path)) run('ip', ['netns', 'delete', this.#name]);
  }
}
