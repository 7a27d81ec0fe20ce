import { CleatError } from '@cleat/schemas';
import { parseHumanSize } from '../human-size.ts';

type Options = Readonly<Record<string, string>>;

/** Options that every driver has: whether a container waits for its log, and how much may be on its way. */
export interface Delivery {
  /** Undefined: not said. */
  readonly mode: 'blocking' | 'non-blocking' | undefined;
  readonly bufferBytes: number | undefined;
  /** The options that are the driver's own. */
  readonly rest: Options;
}

/** Throws `invalid_argument` LOG_OPTION_INVALID. */
export function parseDelivery(options: Options): Delivery {
  const { mode, 'max-buffer-size': size, ...rest } = options;
  if (mode !== undefined && mode !== 'blocking' && mode !== 'non-blocking') {
    throw invalid(`logger: logging mode not supported: ${mode}`);
  }
  if (size === undefined) return { mode, bufferBytes: undefined, rest };
  if (mode !== 'non-blocking') {
    throw invalid(`logger: max-buffer-size option is only supported with 'mode=non-blocking'`);
  }
  const bufferBytes = parseHumanSize(size);
  if (bufferBytes === undefined || bufferBytes === 0) {
    throw invalid(`error parsing option max-buffer-size: invalid size: '${size}'`);
  }
  return { mode, bufferBytes, rest };
}

function invalid(message: string): CleatError {
  return new CleatError('invalid_argument', 'LOG_OPTION_INVALID', message);
}
