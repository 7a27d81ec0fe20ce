import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContractCaller, Deadline } from '@cleat/core';
import { BusConnection, type Credentials } from '@cleat/core/bus';
import { commandLine } from '@cleat/core/syscalls';
import { slowFactor, waitFor } from '@cleat/harness';
import { CleatError, type container, type event, isCleatError, type node, type plugin, SchemaBook } from '@cleat/schemas';

const QUIET = { info: (): void => undefined, warn: (): void => undefined, error: (): void => undefined };

export interface CallSettings {
  readonly timeoutMs?: number;
  readonly operationId?: string;
  readonly principal?: string;
}

/** A client with the rights of the node's operator. Once closed, it does nothing any more: as a program that has died. */
export class NodeClient {
  readonly connection: BusConnection;
  readonly #rootfs: string;
  readonly #caller: ContractCaller;
  #isClosed = false;

  private constructor(connection: BusConnection, rootfs: string) {
    this.connection = connection;
    this.#rootfs = rootfs;
    this.#caller = new ContractCaller(connection, new SchemaBook());
  }

  static async open(runDir: string, rootfs: string): Promise<NodeClient> {
    const { urlFile, credentials } = JSON.parse(readFileSync(join(runDir, 'operator.json'), 'utf8')) as {
      urlFile: string;
      credentials: Credentials;
    };
    const url = (): string => readFileSync(urlFile, 'utf8');
    const connection = await BusConnection.open(
      { url, credentials, name: 'operator/test', log: QUIET },
      Deadline.after(10_000 * slowFactor()),
    );
    return new NodeClient(connection, rootfs);
  }

  /** A kernel that was away is there again. */
  hurry(): void {
    this.#caller.hurry();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#caller.close(closed());
    await this.connection.close(Deadline.after(100));
  }

  async call<T>(contract: string, operation: string, request: object = {}, settings: CallSettings = {}): Promise<T> {
    if (this.#isClosed) throw closed();
    const { timeoutMs = 20_000, operationId, principal } = settings;
    return this.#caller.call<T>(contract, contract, operation, request, { timeoutMs: timeoutMs * slowFactor(), operationId, principal });
  }

  /** Makes a container of the busybox root file system. */
  async create(
    name: string,
    args: readonly string[],
    more: { readonly spec?: object; readonly claims?: readonly object[]; readonly client?: string; readonly id?: string } = {},
  ): Promise<string> {
    const id = more.id ?? randomBytes(32).toString('hex');
    const process = { args, env: ['PATH=/bin:/sbin:/usr/bin'] };
    const spec = { process, rootfs: this.#rootfs, stopSignal: 'SIGKILL', ...more.spec };
    await this.call('container', 'create', { id, name, spec, claims: more.claims ?? [], client: more.client ?? '' });
    return id;
  }

  /** Creates, starts, and waits until the process is the one that was asked for: until its exec it is the runtime's. */
  async run(name: string, args: readonly string[], more: Parameters<NodeClient['create']>[2] = {}): Promise<string> {
    const id = await this.create(name, args, more);
    await this.call('container', 'start', { container: id });
    const { pid } = (await this.inspect(id)).state;
    await waitFor('its exec', () => pid === 0 || commandLine(pid)?.[1] !== 'init');
    return id;
  }

  async remove(name: string): Promise<void> {
    await this.call('container', 'remove', { container: name, force: true, purge: true });
  }

  async removeAll(keep: readonly string[] = []): Promise<void> {
    for (const { id, name } of await this.list()) if (!keep.includes(name)) await this.remove(id).catch(ignoreGone);
  }

  async inspect(name: string): Promise<container.Info> {
    return this.call('container', 'inspect', { container: name });
  }

  async list(): Promise<readonly container.Info[]> {
    return (await this.call<container.ListResponse>('container', 'list')).containers;
  }

  async info(): Promise<node.InfoResponse> {
    return this.call('node', 'info');
  }

  async waitForStatus(name: string, status: string, timeoutMs = 10_000): Promise<container.Info> {
    return waitFor(
      `${name} ${status}`,
      async () => {
        const info = await this.inspect(name);
        return info.state.status === status ? info : undefined;
      },
      { timeoutMs },
    );
  }

  /** Every event that the journal still has, after a sequence. */
  async events(after = 0): Promise<readonly event.Entry[]> {
    const seen: event.Entry[] = [];
    for (let position = after; ; ) {
      const page = await this.call<event.ListResponse>('event', 'list', { after: position, limit: 1000 });
      seen.push(...page.events);
      if (page.position >= page.newest) return seen;
      position = page.position;
    }
  }

  async plugin(name: string): Promise<plugin.Info> {
    return this.call('plugin', 'inspect', { name });
  }

  async waitForPlugin(name: string, state = 'ready', timeoutMs = 20_000): Promise<plugin.Info> {
    return waitFor(
      `plugin ${name} ${state}`,
      async () => {
        const info = await this.plugin(name);
        return info.state === state ? info : undefined;
      },
      { timeoutMs },
    );
  }

  /** Polls until it is true; fails at once when the client has been closed. */
  async until(what: string, isTrue: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
    await waitFor(what, async () => this.#isClosed || (await isTrue()), { timeoutMs });
    if (this.#isClosed) throw closed();
  }
}

function closed(): CleatError {
  return new CleatError('cancelled', 'CLIENT_CLOSED', 'the test has left');
}

function ignoreGone(error: unknown): void {
  if (!isCleatError(error) || error.class !== 'not_found') throw error;
}
