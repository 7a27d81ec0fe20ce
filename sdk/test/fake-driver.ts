/** A driver in a process of its own: every object and use is a file in DIRECTORY, whose content is the number of the call. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest, providerTypes } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';
import { definePlugin, type PluginDefinition, run, sleep } from '../src/index.ts';

export const DRIVER: Manifest = {
  cleat: 1,
  name: 'fake-driver',
  version: '1.0.0',
  contracts: { provider: ['1.0'] },
  drives: [{ kind: 'fake', name: 'd1' }],
};

function nameOf({ object, container, claim }: providerTypes.Reference): string {
  return [object, container, claim].filter((part) => part !== '').join('+');
}

export function fakeDriver(directory: string): PluginDefinition {
  mkdirSync(directory, { recursive: true });
  const put = (reference: providerTypes.Reference): void => writeFileSync(join(directory, nameOf(reference)), String(reference.number));
  const drop = (reference: providerTypes.Reference): void => rmSync(join(directory, nameOf(reference)), { force: true });
  return definePlugin({
    manifest: DRIVER,
    setup: () => ({
      drivers: {
        'fake/d1': {
          reserve: async ({ reference, options }, call) => {
            const wanted: unknown = JSON.parse(options);
            if (typeof wanted === 'object' && wanted !== null && 'refuse' in wanted)
              throw new CleatError('invalid_argument', 'FAKE_REFUSED', 'the driver does not want it');
            put(reference);
            if (typeof wanted === 'object' && wanted !== null && 'slow' in wanted) await sleep(Number(wanted.slow), call.signal);
            return { status: `{"at":"${reference.object}"}` };
          },
          release: async ({ reference }) => {
            if (reference.object.startsWith('stuck')) throw new CleatError('conflict', 'FAKE_BUSY', 'the driver cannot let go of it');
            drop(reference);
            return {};
          },
          attach: async ({ reference, status }) => {
            put(reference);
            return { contribution: { environment: [status] } };
          },
          detach: async ({ reference }) => {
            drop(reference);
            return {};
          },
          reconcile: async ({ held, owed }) => {
            const names = new Set(
              held.filter(({ reference, attached }) => attached || reference.container === '').map(({ reference }) => nameOf(reference)),
            );
            for (const name of readdirSync(directory)) if (!names.has(name)) rmSync(join(directory, name));
            for (const { reference } of owed) drop(reference);
            return {
              lacks: held
                .filter(({ reference, attached }) => (attached || reference.container === '') && !exists(directory, nameOf(reference)))
                .map(({ reference }) => reference),
            };
          },
        },
      },
    }),
  });
}

function exists(directory: string, name: string): boolean {
  try {
    readFileSync(join(directory, name));
    return true;
  } catch {
    return false;
  }
}

const directory = process.env['FAKE_DRIVER_DIRECTORY'];
if (directory !== undefined) await run(fakeDriver(directory));
