/**
 * A kind with drivers in a process of its own. The object of a claim is named in its options; create and remove are asked for
 * as reserve and release of the claim. FAKE_KIND_FAULT=before-write:7 kills it around the seventh record of its ledger.
 */
import type { Manifest } from '@cleat/schemas';
import { DriverLedger } from '../src/drivers/index.ts';
import { definePlugin, type PluginContext, type PluginDefinition, run } from '../src/index.ts';

export const KIND: Manifest = {
  cleat: 1,
  name: 'fake-kind',
  version: '1.0.0',
  contracts: { provider: ['1.0'] },
  provides: [{ kind: 'fake', reserve: true, attach: true }],
  uses: ['driver:fake'],
};

export function fakeKind(fault: string | undefined, onOpen: (ledger: DriverLedger) => void = () => undefined): PluginDefinition {
  return definePlugin({
    manifest: KIND,
    setup: async (context) => {
      const ledger = await DriverLedger.open({ kind: 'fake', context: withFault(context, fault) });
      onOpen(ledger);
      return {
        providers: {
          fake: {
            reserve: async ({ reference, options }, call) => {
              if (ledger.find(objectOf(options)) !== undefined) return { status: options };
              await ledger.reserve({ driver: 'd1', object: objectOf(options), options }, call);
              return { status: options, events: [], warnings: [`${reference.number}`] };
            },
            release: async ({ reference }, call) => {
              for (const { object } of ledger.objects)
                if (object.startsWith(`${reference.claim}-`)) await ledger.release(object, { purge: true }, call);
              return {};
            },
            attach: (request, call) => ledger.attach(objectOf(request.options), request, call),
            detach: async ({ reference }, call) => {
              for (const { object } of ledger.objects)
                if (object.startsWith(`${reference.claim}-`)) await ledger.detach(object, reference, call);
              return {};
            },
            reconcile: async (all) => {
              // What is owed is done like any other call: the references carry its number.
              const lacks = await ledger.settleUses(all, (held) => objectOf(held.options));
              return { lacks: [...lacks] };
            },
          },
        },
        close: () => ledger.close(),
      };
    },
  });
}

function objectOf(options: string): string {
  const value: unknown = JSON.parse(options);
  return typeof value === 'object' && value !== null && 'object' in value ? String(value.object) : '';
}

/** The ledger's journal kills the process where the test wants it. */
function withFault(context: PluginContext, fault: string | undefined): PluginContext {
  if (fault === undefined) return context;
  const [wanted, count] = fault.split(':');
  let seen = 0;
  return {
    ...context,
    openJournal: (options) =>
      context.openJournal({
        ...options,
        onFault: (point) => {
          if (point === 'before-write') seen += 1;
          if (point === wanted && seen === Number(count)) process.kill(process.pid, 'SIGKILL');
        },
      }),
  };
}

if (process.env['FAKE_KIND'] !== undefined) await run(fakeKind(process.env['FAKE_KIND_FAULT']));
