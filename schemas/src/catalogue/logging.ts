import type { ErrorFacts } from './facts.ts';

export const LOGGING_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  LOG_CLAIM_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The options of a log claim cannot be read.',
    cure: 'The message says where.',
  },
  LOG_DRIVER_UNKNOWN: { classes: ['invalid_argument'], meaning: 'There is no log driver of that name.', cure: '`docker info` lists them.' },
  LOG_OPTION_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'An option of the log driver has no such value.',
    cure: 'The message names it.',
  },
  LOG_OPTION_UNSUPPORTED: { classes: ['unimplemented'], meaning: 'The log driver does not know an option.', cure: 'Leave it out.' },
  LOG_UNREADABLE: {
    classes: ['unimplemented'],
    meaning: 'What the log driver has taken cannot be read back.',
    cure: 'Read it where the driver sends it, or use json-file.',
  },
};
