import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CleatError, type provider } from '@cleat/schemas';
import type { DriverCalls } from '@cleat/sdk';

/** A volume driver of another plugin: it keeps what it was asked for as files, so that it outlives whoever asked. */
export class FakeDriver {
  readonly directory: string;
  readonly calls: string[] = [];
  isAway = false;
  refusal: CleatError | undefined;
  options: readonly string[] = ['nosuid'];

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(join(directory, 'volumes'), { recursive: true });
    mkdirSync(join(directory, 'uses'), { recursive: true });
  }

  get volumes(): readonly string[] {
    return readdirSync(join(this.directory, 'volumes')).sort();
  }

  get uses(): readonly string[] {
    return readdirSync(join(this.directory, 'uses')).sort();
  }

  dataOf(volume: string): string {
    return join(this.directory, 'volumes', volume);
  }

  async answer(operation: keyof provider.Operations, request: unknown): Promise<unknown> {
    await Promise.resolve();
    if (this.isAway) throw new CleatError('unavailable', 'PLUGIN_AWAY', 'the plugin is not there');
    const { reference, options, purge } = request as provider.ReserveRequest & provider.ReleaseRequest;
    this.calls.push([operation, reference?.object ?? '', options ?? ''].join(' ').trim());
    if (this.refusal !== undefined && operation !== 'reconcile') throw this.refusal;
    switch (operation) {
      case 'reserve':
        mkdirSync(this.dataOf(reference.object), { recursive: true });
        return { status: JSON.stringify({ mountpoint: this.dataOf(reference.object) }), warnings: [], events: [], contribution: null };
      case 'release':
        if (purge) rmSync(this.dataOf(reference.object), { recursive: true, force: true });
        return { events: [] };
      case 'attach':
        if (!existsSync(this.dataOf(reference.object))) throw new CleatError('not_found', 'NO_SUCH', 'it has no such volume');
        writeFileSync(this.#use(reference), '');
        return { contribution: contributionOf(this.dataOf(reference.object), this.options), status: '', events: [] };
      case 'detach':
        rmSync(this.#use(reference), { force: true });
        return { events: [] };
      case 'update':
      case 'list':
        throw new CleatError('unimplemented', 'OPERATION_UNKNOWN', `a volume driver does not ${operation}`);
      case 'reconcile':
        return this.#reconcile(request as provider.ReconcileRequest);
    }
  }

  #reconcile({ held, owed }: provider.ReconcileRequest): provider.ReconcileResponse {
    const released = new Set(owed.filter(({ operation }) => operation === 'release').map(({ reference }) => reference.object));
    const volumes = new Set(held.map(({ reference }) => reference.object).filter((volume) => !released.has(volume)));
    const uses = new Set(held.filter(({ attached }) => attached).map(({ reference }) => useName(reference)));
    for (const volume of this.volumes) if (!volumes.has(volume)) rmSync(this.dataOf(volume), { recursive: true });
    for (const use of this.uses) if (!uses.has(use)) rmSync(join(this.directory, 'uses', use));
    return { lacks: [], failures: [] };
  }

  #use(reference: provider.AttachRequest['reference']): string {
    return join(this.directory, 'uses', useName(reference));
  }
}

function useName({ object, container, claim }: provider.AttachRequest['reference']): string {
  return [object, container.slice(0, 8), claim].join('_');
}

function contributionOf(source: string, options: readonly string[]): provider.AttachResponse['contribution'] {
  const mounts = [{ type: 'bind', source, target: '/', options: ['rbind', ...options], copyUp: false }];
  return { root: null, mounts, devices: [], environment: [], hosts: [], dns: null, hooks: [], annotations: {}, log: null };
}

/** The SDK's door to drivers, with those of a test behind it. */
export class FakeDrivers implements DriverCalls {
  readonly #drivers: ReadonlyMap<string, FakeDriver>;
  readonly #listeners = new Set<() => void>();

  constructor(drivers: Readonly<Record<string, FakeDriver>> = {}) {
    this.#drivers = new Map(Object.entries(drivers));
  }

  /** Drivers have come or gone. */
  changed(): void {
    for (const listen of this.#listeners) listen();
  }

  names(): readonly string[] {
    return [...this.#drivers].filter(([, driver]) => !driver.isAway).map(([name]) => name);
  }

  pluginOf({ name }: { readonly kind: string; readonly name: string }): string | undefined {
    return this.#drivers.has(name) ? `${name}-plugin` : undefined;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly call: DriverCalls['call'] = async (driver, operation, request) => {
    const found = this.#drivers.get(driver.name);
    if (found === undefined) throw new CleatError('unavailable', 'PLUGIN_AWAY', `no plugin drives ${driver.name}`);
    // The tests look at what comes of it; the ledger gets what a decoded answer would be.
    return (await found.answer(operation, request)) as never;
  };
}
