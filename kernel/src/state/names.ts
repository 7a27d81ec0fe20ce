import { CleatError } from '@cleat/schemas';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const ID = /^[0-9a-f]{64}$/;

/** Names of containers and the ids that have them, and ids by prefix. */
export class NameIndex {
  readonly #ids = new Map<string, string>();
  readonly #known: ReadonlyMap<string, unknown>;

  constructor(known: ReadonlyMap<string, unknown>) {
    this.#known = known;
  }

  static checkId(id: string): void {
    if (!ID.test(id)) throw new CleatError('invalid_argument', 'CONTAINER_ID', `"${id}" is no container id: 64 hexadecimal digits`);
  }

  /** Takes a name for an id. Throws `already_exists` CONTAINER_NAME_TAKEN. */
  take(name: string, id: string): void {
    if (!NAME.test(name)) {
      throw new CleatError(
        'invalid_argument',
        'CONTAINER_NAME',
        `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
      );
    }
    const holder = this.#ids.get(name);
    if (holder !== undefined && holder !== id) {
      throw new CleatError('already_exists', 'CONTAINER_NAME_TAKEN', `the name ${name} is in use by container ${holder}`, {
        hint: 'Remove or rename that container, or choose another name.',
        details: { name, container: holder },
      });
    }
    this.#ids.set(name, id);
  }

  free(name: string, id: string): void {
    if (this.#ids.get(name) === id) this.#ids.delete(name);
  }

  /** The id for an id, a name, or a prefix that only one id has. Throws `not_found`, or `invalid_argument` CONTAINER_AMBIGUOUS. */
  resolve(reference: string): string {
    if (this.#known.has(reference)) return reference;
    const named = this.#ids.get(reference.startsWith('/') ? reference.slice(1) : reference);
    if (named !== undefined) return named;
    const matches = /^[0-9a-f]+$/.test(reference) ? [...this.#known.keys()].filter((id) => id.startsWith(reference)) : [];
    const [only] = matches;
    if (matches.length === 1 && only !== undefined) return only;
    if (matches.length > 1) {
      throw new CleatError('invalid_argument', 'CONTAINER_AMBIGUOUS', `multiple IDs found with provided prefix: ${reference}`);
    }
    throw new CleatError('not_found', 'CONTAINER_NOT_FOUND', `No such container: ${reference}`);
  }
}
