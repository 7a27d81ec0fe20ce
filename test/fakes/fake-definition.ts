import type { Manifest, provider, providerTypes } from '@cleat/schemas';
import { Deadline, definePlugin, type PluginContext, type PluginDefinition, type PluginHandlers, type ProviderHandlers } from '@cleat/sdk';
import { DriverLedger } from '@cleat/sdk/drivers';
import { FakeWorld } from './fake-world.ts';

/** What a claim of the fake kind may ask for. */
export interface FakeOptions {
  /** What attach gives; "$OBJECT" in a mount's source is the object's own directory. */
  readonly contribution?: providerTypes.ContributionInput;
  /** What reserve gives. */
  readonly reserved?: providerTypes.ContributionInput;
  /** The driver that holds the object, for a kind that has drivers. */
  readonly driver?: string;
  /** Lines for hosts that an update gives. */
  readonly hosts?: readonly string[];
  /** Events of its own objects, with the answer. */
  readonly event?: string;
  /** An event of its own object, by itself, once it is reserved. */
  readonly note?: boolean;
}

/** A plugin with whatever roles its manifest names, all of them fakes: its directory says what to do and what was done. */
export function fakePlugin(manifest: Manifest, pluginDir: string): PluginDefinition {
  return definePlugin({
    manifest,
    setup: async (context): Promise<PluginHandlers> => {
      const world = await FakeWorld.open(pluginDir, context);
      const ledgers = new Map<string, DriverLedger>();
      const providers: Record<string, ProviderHandlers> = {};
      for (const { kind } of manifest.provides ?? []) {
        const hasDrivers = manifest.uses?.includes(`driver:${kind}`) === true;
        const ledger = hasDrivers ? await DriverLedger.open({ kind, context: noting(context, world) }) : undefined;
        if (ledger !== undefined) ledgers.set(kind, ledger);
        providers[kind] = {
          ...fakeProvider(world, ledger),
          ...(ledger === undefined ? {} : { list: (request) => drivenBy(ledger, request) }),
        };
      }
      const drivers = Object.fromEntries(
        (manifest.drives ?? []).map(({ kind, name }) => [`${kind}/${name}`, fakeProvider(world, undefined)]),
      );
      return {
        providers,
        drivers,
        interceptor: {
          judge: async ({ operation, actor }, _request, call) => {
            await world.begin('judge', undefined, call, { operation, principal: actor.principal, caller: actor.caller });
            const { denial } = world;
            return { allow: denial === undefined, reason: denial ?? '' };
          },
        },
        close: () => {
          for (const ledger of ledgers.values()) ledger.close();
        },
      };
    },
  });
}

/** The ledger's records count as records of the fake: "ledger". */
function noting(context: PluginContext, world: FakeWorld): PluginContext {
  return {
    ...context,
    openJournal: (options) =>
      context.openJournal({ ...options, onFault: (point) => world.reach(point === 'before-write' ? 'before' : 'after', 'ledger') }),
  };
}

function drivenBy(ledger: DriverLedger, { driver }: provider.ListRequest): Promise<provider.ListResponseInput> {
  const names = ledger.objects.filter((held) => held.driver === driver).map(({ object }) => object);
  return Promise.resolve({ count: names.length, names });
}

function fakeProvider(world: FakeWorld, ledger: DriverLedger | undefined): ProviderHandlers {
  const viaDriver = (options: string): DriverLedger | undefined => (optionsOf(options).driver === undefined ? undefined : ledger);
  return {
    reserve: async (request, call) => {
      const { reference, options, directory } = request;
      await world.begin('reserve', reference, call, { directory, fromImage: request.fromImage });
      world.record('reserve.intent');
      world.putObject(reference.object);
      const { driver = '', reserved } = optionsOf(options);
      if (ledger?.find(reference.object) === undefined)
        await viaDriver(options)?.reserve({ driver, object: reference.object, options }, call);
      if (optionsOf(options).note === true) await world.note(reference.container);
      world.record('reserve.done');
      world.end('reserve', reference);
      return { status: JSON.stringify({ reserved: reference.number }), contribution: reserved ?? null };
    },
    release: async ({ reference, purge }, call) => {
      await world.begin('release', reference, call, { purge });
      world.record('release.intent');
      await ledger?.release(reference.object, { purge }, call);
      world.dropUse(reference);
      world.dropObject(reference.object);
      world.record('release.done');
      world.end('release', reference);
      return {};
    },
    attach: async (request, call) => {
      const { reference, options, rootPath, networkNamespace, userNamespace, status } = request;
      await world.begin('attach', reference, call, { rootPath, networkNamespace, userNamespace, status });
      world.record('attach.intent');
      world.putUse(reference);
      const given = await viaDriver(options)?.attach(reference.object, request, call);
      world.record('attach.done');
      world.end('attach', reference);
      const contribution = given?.contribution ?? contributionOf(options, world.objectPath(reference.object));
      const { event } = optionsOf(options);
      const events = event === undefined ? [] : [{ type: event, subject: reference.object.slice(0, 12) }];
      return { contribution, status: JSON.stringify({ attached: reference.number }), events };
    },
    detach: async ({ reference }, call) => {
      await world.begin('detach', reference, call);
      world.record('detach.intent');
      await ledger?.detach(reference.object, reference, call);
      world.dropUse(reference);
      world.record('detach.done');
      world.end('detach', reference);
      return {};
    },
    update: async ({ reference, options, containerName }, call) => {
      await world.begin('update', reference, call, { options, containerName });
      const { hosts } = optionsOf(options ?? '{}');
      return { contribution: hosts === undefined ? null : { hosts: [...hosts] }, status: JSON.stringify({ updated: reference.number }) };
    },
    reconcile: async (all, call): Promise<provider.ReconcileResponseInput> => {
      await world.begin('reconcile', undefined, call, {
        held: all.held.map(({ reference, attached }) => ({
          container: reference.container,
          claim: reference.claim,
          object: reference.object,
          number: reference.number,
          attached,
        })),
        owed: all.owed.map(({ reference, operation, purge }) => ({
          container: reference.container,
          claim: reference.claim,
          number: reference.number,
          operation,
          purge,
        })),
      });
      world.record('reconcile');
      const response = world.reconcile(all);
      if (ledger !== undefined) await settleLedger(ledger, all);
      return response;
    },
  };
}

/** What the kernel says holds of the kind's own objects: here an object lives as long as its claim. */
async function settleLedger(ledger: DriverLedger, all: Parameters<ProviderHandlers['reconcile']>[0]): Promise<void> {
  await ledger.settleUses(all, (held) => (optionsOf(held.options).driver === undefined ? undefined : held.reference.object));
  const held = new Set(all.held.map(({ reference }) => reference.object));
  const scope = { deadline: Deadline.after(2_000), signal: new AbortController().signal };
  for (const { object } of ledger.objects) if (!held.has(object)) await ledger.release(object, { purge: true, force: true }, scope);
}

function contributionOf(options: string, objectPath: string): providerTypes.ContributionInput {
  const { contribution = {} } = optionsOf(options);
  return JSON.parse(JSON.stringify(contribution).replaceAll('$OBJECT', objectPath)) as providerTypes.ContributionInput;
}

function optionsOf(options: string): FakeOptions {
  return JSON.parse(options) as FakeOptions;
}
