import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { referencePage } from './reference.ts';

// Writes docs/reference/cli.md; a test compares.
writeFileSync(fileURLToPath(new URL('../../../../docs/reference/cli.md', import.meta.url)), await referencePage());
