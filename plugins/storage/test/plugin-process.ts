/** The plugin as a process of its own, for the contract suites. */
import { run } from '@cleat/sdk';
import { plugin } from '../src/index.ts';

await run(plugin);
