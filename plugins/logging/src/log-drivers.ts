import { CleatError } from '@cleat/schemas';
import type { LogDriver } from './drivers/driver.ts';
import { jsonFile, local } from './drivers/file-driver.ts';

const OWN: readonly LogDriver[] = [jsonFile, local];

/** What a container's log is, with the node's defaults filled in: a driver of this plugin, or the name of one that another plugin is. */
export type LogChoice = ({ readonly type: 'own'; readonly driver: LogDriver } | { readonly type: 'foreign'; readonly name: string }) & {
  readonly options: Readonly<Record<string, string>>;
};

export interface LogDefaults {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

/** Drivers by name, and what a container gets that names none. */
export class LogDrivers {
  readonly defaults: LogDefaults;
  readonly #foreign: () => readonly string[];

  /** `foreign`: names of drivers that other plugins are. */
  constructor(defaults: LogDefaults, foreign: () => readonly string[]) {
    this.defaults = defaults;
    this.#foreign = foreign;
    // The node's own options are to be wrong at its start, not at each container.
    const choice = this.choose('{}');
    if (choice.type === 'own') choice.driver.policy(defaults.options);
  }

  /** What another plugin takes with it cannot be shown here. */
  list(): readonly { readonly name: string; readonly readable: boolean }[] {
    const own = OWN.map(({ name, isReadable }) => ({ name, readable: isReadable }));
    return [...own, ...this.#foreign().map((name) => ({ name, readable: false }))];
  }

  /**
   * What a claim asks for. The node's options hold for containers with the node's driver, each unless the container has its own.
   *
   * @throws CleatError `invalid_argument` LOG_CLAIM_INVALID, LOG_DRIVER_UNKNOWN.
   */
  choose(claimOptions: string): LogChoice {
    const { driver: asked, options } = parseClaim(claimOptions);
    const name = asked || this.defaults.driver;
    const merged = name === this.defaults.driver ? { ...this.defaults.options, ...options } : options;
    const own = OWN.find((driver) => driver.name === name);
    if (own !== undefined) return { type: 'own', driver: own, options: merged };
    this.#checkForeign(name);
    return { type: 'foreign', name, options: merged };
  }

  /** A driver of this plugin, as opposed to one that another plugin is. */
  isOwn(name: string): boolean {
    return OWN.some((driver) => driver.name === name);
  }

  #checkForeign(name: string): void {
    if (name === 'none') {
      throw new CleatError('invalid_argument', 'LOG_DRIVER_UNKNOWN', 'a container without a log has no claim of the kind log');
    }
    if (this.#foreign().includes(name)) return;
    throw new CleatError(
      'invalid_argument',
      'LOG_DRIVER_UNKNOWN',
      `error looking up logging plugin ${name}: plugin ${JSON.stringify(name)} not found`,
      { hint: `Drivers that are there: ${[...this.list().map((driver) => driver.name), 'none'].join(', ')}.` },
    );
  }
}

function parseClaim(text: string): { readonly driver: string; readonly options: Readonly<Record<string, string>> } {
  let value: unknown;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw new CleatError('invalid_argument', 'LOG_CLAIM_INVALID', 'the options of a log claim are no JSON', { cause: error });
  }
  const fields = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const driver: unknown = fields.get('driver') ?? '';
  const options: unknown = fields.get('options') ?? {};
  if (typeof driver !== 'string' || typeof options !== 'object' || options === null) {
    throw new CleatError('invalid_argument', 'LOG_CLAIM_INVALID', 'a log claim has a text "driver" and an object "options"');
  }
  return { driver, options: textsOf(options) };
}

/** An object whose values are all texts. */
export function textsOf(value: object): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(value).map(([name, text]: [string, unknown]) => {
      if (typeof text === 'string') return [name, text];
      throw new CleatError('invalid_argument', 'LOG_CLAIM_INVALID', `the log option ${name} is no text`);
    }),
  );
}
