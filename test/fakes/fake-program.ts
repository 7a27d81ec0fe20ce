/** The process of a fake plugin: its directory has manifest.json, and gets control.json, fault and calls.log. */
import { readFileSync } from 'node:fs';
import type { Manifest } from '@cleat/schemas';
import { run } from '@cleat/sdk';
import { fakePlugin } from './fake-definition.ts';

await run(fakePlugin(JSON.parse(readFileSync('manifest.json', 'utf8')) as Manifest, process.cwd()));
