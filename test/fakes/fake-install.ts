import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Manifest } from '@cleat/schemas';
import type { BareKernel } from '../platform/bare-kernel.ts';
import type { Control, NotedCall } from './fake-world.ts';

const PROGRAM = fileURLToPath(new URL('./fake-program.js', import.meta.url));

/** A provider of the kind `fake`, with every part of a contribution. */
export const FAKE: Manifest = {
  cleat: 1,
  name: 'fake',
  version: '1.0.0',
  contracts: { provider: ['1.0'] },
  provides: [{ kind: 'fake', reserve: true, attach: true, needsRoot: true, hearsUpdates: true, options: { type: 'object' } }],
  events: { publishes: ['fake.attached', 'fake.noted'] },
  permissions: {
    contribution: ['root', 'mounts', 'devices', 'environment', 'hosts', 'dns', 'hooks', 'annotations', 'log'],
    mountRoots: ['$STATE'],
  },
};

/** The same kind, with objects that drivers hold. */
export const FAKE_WITH_DRIVERS: Manifest = { ...FAKE, uses: ['driver:fake'] };

export const FAKE_DRIVER: Manifest = {
  cleat: 1,
  name: 'fake-driver',
  version: '1.0.0',
  contracts: { provider: ['1.0'] },
  drives: [{ kind: 'fake', name: 'deep' }],
};

/** A fake that is installed, seen from the test. */
export class Fake {
  readonly name: string;
  readonly dir: string;
  readonly #kernel: BareKernel;

  private constructor(kernel: BareKernel, name: string) {
    this.#kernel = kernel;
    this.name = name;
    this.dir = join(kernel.dir, 'plugins', name);
  }

  /** Installs and waits until it is ready. */
  static async install(
    kernel: BareKernel,
    manifest: Manifest,
    options: { readonly grant?: object; readonly command?: readonly string[] } = {},
  ): Promise<Fake> {
    const fake = new Fake(kernel, manifest.name);
    mkdirSync(fake.dir, { recursive: true });
    const command = options.command ?? [process.execPath, PROGRAM];
    writeFileSync(join(fake.dir, 'manifest.json'), JSON.stringify({ ...manifest, run: { ...manifest.run, command } }));
    await fake.installAgain(options.grant);
    if (options.command === undefined) await kernel.client.waitForPlugin(manifest.name);
    return fake;
  }

  async installAgain(grant?: object): Promise<void> {
    await this.#kernel.call('plugin', 'install', {
      directory: this.dir,
      enable: true,
      grant: grant === undefined ? '' : JSON.stringify(grant),
    });
  }

  async remove(force = false): Promise<void> {
    await this.#kernel.call('plugin', 'remove', { name: this.name, force });
  }

  async pid(): Promise<number> {
    return (await this.#kernel.client.plugin(this.name)).pid;
  }

  async kill(): Promise<void> {
    const pid = await this.pid();
    if (pid > 0) process.kill(pid, 'SIGKILL');
  }

  /** SIGKILL at a record of its own journal, or at the nth record of its ledger: "ledger". */
  arm(moment: 'before' | 'after', step: string, count = 1): void {
    writeFileSync(join(this.dir, 'fault.new'), `${moment}:${step}:${count}`);
    renameSync(join(this.dir, 'fault.new'), join(this.dir, 'fault'));
  }

  get isArmed(): boolean {
    return existsSync(join(this.dir, 'fault'));
  }

  disarm(): void {
    rmSync(join(this.dir, 'fault'), { force: true });
  }

  control(control: Control): void {
    writeFileSync(join(this.dir, 'control.new'), JSON.stringify(control));
    renameSync(join(this.dir, 'control.new'), join(this.dir, 'control.json'));
  }

  /** What it was asked, in order, from a count on. */
  calls(from = 0): readonly NotedCall[] {
    const path = join(this.dir, 'calls.log');
    const lines = existsSync(path)
      ? readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : [];
    return lines.map((line) => JSON.parse(line) as NotedCall).slice(from);
  }

  get callCount(): number {
    return this.calls().length;
  }

  /** "operation claim" of each call, without reconciles. */
  words(from = 0): readonly string[] {
    return this.calls(from)
      .filter(({ operation }) => operation !== 'reconcile')
      .map(({ operation, claim }) => `${operation} ${claim}`);
  }

  get stateDir(): string {
    return join(this.#kernel.stateDir, 'plugins', this.name);
  }

  /** What it has reserved, and what it has attached. */
  get objects(): readonly string[] {
    return list(join(this.stateDir, 'objects'));
  }

  get uses(): readonly string[] {
    return list(join(this.stateDir, 'uses'));
  }

  /** The subjects of the events that it owes. */
  get notes(): readonly string[] {
    return list(join(this.stateDir, 'notes'));
  }

  get log(): string {
    const path = join(this.#kernel.stateDir, 'log', `${this.name}.log`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }
}

/** A claim of the fake kind. */
export function fakeClaim(name: string, options: object = {}, kind = 'fake'): object {
  return { name, kind, options: JSON.stringify(options) };
}

function list(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}
