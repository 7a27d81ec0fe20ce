import type { ErrorFacts } from './facts.ts';

export const SCHEMAS_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  INTERNAL: {
    classes: ['internal'],
    meaning: 'Something failed that no part of Cleat has a better name for.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  OPERATION_UNKNOWN: {
    classes: ['unimplemented'],
    meaning: 'The contract, in the version that was asked for, has no such operation.',
    cure: 'Upgrade whichever side is older, or look the operation up in docs/reference/contracts.',
  },
  SCHEMA_LIBRARY: {
    classes: ['internal'],
    meaning: 'The installed Avro library is not the one that Cleat needs.',
    cure: 'Install the dependencies again with `npm ci`.',
  },
  SCHEMA_MISMATCH: {
    classes: ['invalid_argument'],
    meaning: 'A value or a payload is not a record of the schema that it should have.',
    cure: 'The message names the first field that does not fit.',
  },
  SCHEMA_UNKNOWN: {
    classes: ['unavailable', 'not_found', 'internal'],
    meaning: 'Nobody here knows the schema that a fingerprint names.',
    cure: 'Read the registry again and repeat; the sender was upgraded a moment ago.',
  },
  SUBJECT_TOKEN: {
    classes: ['invalid_argument'],
    meaning: 'A name cannot be part of a subject on the bus.',
    cure: 'Use letters, digits, `-` and `_`.',
  },
};
