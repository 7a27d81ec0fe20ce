import { run } from '@cleat/sdk';
import { plugin } from './plugin.ts';

await run(plugin);
