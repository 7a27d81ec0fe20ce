import { CleatError, type providerTypes } from '@cleat/schemas';
import { parseHumanSize } from '../human-size.ts';
import { tagFlaw } from '../log-tag.ts';
import { parseDelivery } from './delivery.ts';
import type { LogDriver } from './driver.ts';

/** Never begun anew for its size. */
const UNBOUNDED = 0;
/** The most that a long of the contract holds. */
const LARGEST = 2 ** 53 - 2;

type Options = Readonly<Record<string, string>>;

export interface FileDriverSettings {
  readonly name: string;
  readonly defaultMaxSizeBytes: number;
  readonly defaultMaxFiles: number;
  /** Options beyond max-size, max-file and compress. */
  readonly moreOptions: readonly string[];
  /** Docker's sentence about an option that the driver does not have. */
  readonly unknownOption: (name: string) => string;
}

/**
 * Logs that stay on this host and can be read: the segments that the monitor writes are the store, at most `max-file` of `max-size`. The
 * kernel drops the oldest by itself, so a log is bounded and its container goes on whatever this plugin does.
 */
export class FileDriver implements LogDriver {
  readonly isReadable: boolean = true;
  readonly #settings: FileDriverSettings;

  constructor(settings: FileDriverSettings) {
    this.#settings = settings;
  }

  get name(): string {
    return this.#settings.name;
  }

  policy(options: Options): providerTypes.LogPolicyInput {
    const { moreOptions, unknownOption } = this.#settings;
    const known = new Set(['max-size', 'max-file', 'compress', ...moreOptions]);
    // The monitor writes into a file, which never keeps a container waiting: either way of delivery is what happens already.
    const { rest } = parseDelivery(options);
    const unknown = Object.keys(rest).find((name) => !known.has(name));
    if (unknown !== undefined) throw invalid(unknownOption(unknown));
    checkAttributes(options);
    const maxSizeBytes = this.#maxSizeBytes(options);
    const maxFiles = this.#maxFiles(options);
    this.#checkCompression(options, maxSizeBytes, maxFiles);
    // To lose the oldest is what rotation is: the container never waits for room.
    const mode = 'non-blocking';
    if (maxSizeBytes === UNBOUNDED) return { segmentBytes: UNBOUNDED, spoolBytes: 0, mode };
    return { segmentBytes: maxSizeBytes, spoolBytes: Math.min(maxSizeBytes * maxFiles, LARGEST), mode };
  }

  #maxSizeBytes(options: Options): number {
    const text = options['max-size'];
    if (text === undefined || text === '-1') return this.#settings.defaultMaxSizeBytes;
    const bytes = parseHumanSize(text);
    if (bytes === undefined) throw failed(`invalid size: '${text}'`);
    if (bytes <= 0) throw failed('max-size must be a positive number');
    return Math.min(bytes, LARGEST);
  }

  #maxFiles(options: Options): number {
    const text = options['max-file'];
    if (text === undefined) return this.#settings.defaultMaxFiles;
    if (!/^[+-]?\d+$/.test(text)) throw failed(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    const files = Number.parseInt(text, 10);
    if (files < 1) throw failed('max-file cannot be less than 1');
    return files;
  }

  #checkCompression(options: Options, maxSizeBytes: number, maxFiles: number): void {
    const text = options['compress'];
    if (text === undefined || !parseBoolean('compress', text)) return;
    if (maxFiles < 2 || maxSizeBytes === UNBOUNDED) {
      throw failed('compress cannot be true when max-file is less than 2 or max-size is not set');
    }
    throw new CleatError('unimplemented', 'LOG_OPTION_UNSUPPORTED', `the logging driver ${this.name} does not compress files`, {
      hint: 'Leave the option compress out, and bound the log by max-size and max-file.',
    });
  }
}

function checkAttributes(options: Options): void {
  for (const name of ['labels-regex', 'env-regex']) {
    const pattern = options[name];
    if (pattern === undefined) continue;
    try {
      new RegExp(pattern);
    } catch (error) {
      throw failed(`error parsing regexp: ${error instanceof Error ? error.message : pattern}`);
    }
  }
  const flaw = tagFlaw(options['tag'] ?? '');
  if (flaw !== undefined) throw failed(flaw);
}

function parseBoolean(name: string, text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw failed(`error reading ${name} log option: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function invalid(message: string): CleatError {
  return new CleatError('invalid_argument', 'LOG_OPTION_INVALID', message);
}

function failed(why: string): CleatError {
  return invalid(`failed to initialize logging driver: ${why}`);
}

/** Docker's default: no bound, unless options give one. */
export const jsonFile: LogDriver = new FileDriver({
  name: 'json-file',
  defaultMaxSizeBytes: UNBOUNDED,
  defaultMaxFiles: 1,
  moreOptions: ['labels', 'labels-regex', 'env', 'env-regex', 'tag'],
  unknownOption: (name) => `unknown log opt '${name}' for json-file log driver`,
});

/** The same with Docker's bounds for its driver of that name: five files of 20 MB. */
export const local: LogDriver = new FileDriver({
  name: 'local',
  defaultMaxSizeBytes: 20 * 1024 * 1024,
  defaultMaxFiles: 5,
  moreOptions: [],
  unknownOption: (name) => `unknown log opt '${name}' for log driver local`,
});
