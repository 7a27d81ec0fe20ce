import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContractCaller, Deadline, ErrorCodec } from '@cleat/core';
import { BusCaller, BusConnection, decodeCredentials, type ParticipantCredentials } from '@cleat/core/bus';
import { type Hello, type Manifest, SchemaBook } from '@cleat/schemas';
import type { BareKernel } from '../platform/bare-kernel.ts';
import { Fake } from './fake-install.ts';

/** Its process does nothing: the test speaks in its place. */
const IDLE = ['sh', '-c', 'exec sleep 1000000'];

/** A plugin that keeps to no rule: the test has its credentials, and both of its connections. */
export class RawPlugin {
  readonly fake: Fake;
  readonly credentials: ParticipantCredentials;
  readonly importing: BusConnection;
  readonly exporting: BusConnection;
  readonly caller: ContractCaller;
  readonly #raw: BusCaller;
  /** What the server has refused it. */
  readonly refusals: string[] = [];

  private constructor(
    fake: Fake,
    credentials: ParticipantCredentials,
    connections: { readonly importing: BusConnection; readonly exporting: BusConnection },
  ) {
    this.fake = fake;
    this.credentials = credentials;
    this.importing = connections.importing;
    this.exporting = connections.exporting;
    const book = new SchemaBook();
    const errors = new ErrorCodec(book);
    this.caller = new ContractCaller(this.importing, book);
    this.#raw = new BusCaller(this.importing, { decodeError: (body) => errors.decode(body) });
  }

  static async install(kernel: BareKernel, manifest: Manifest): Promise<RawPlugin> {
    const fake = await Fake.install(kernel, manifest, { command: IDLE });
    const path = join(kernel.runDir, 'groups', manifest.name, `${manifest.name}.creds`);
    const credentials = decodeCredentials(readFileSync(path, 'utf8'));
    const log = { info: (): void => undefined, warn: (): void => undefined, error: (): void => undefined };
    const open = (own: ParticipantCredentials['importing']): Promise<BusConnection> =>
      BusConnection.open({ url: () => kernel.busUrl, credentials: own, name: `raw/${manifest.name}`, log }, Deadline.after(10_000));
    const connections = { importing: await open(credentials.importing), exporting: await open(credentials.exporting) };
    return new RawPlugin(fake, credentials, connections);
  }

  async hello(more: Partial<Hello> & { readonly name: string }): Promise<unknown> {
    const hello: Hello = {
      hello: 1,
      version: '1.0.0',
      instance: 'raw',
      pid: process.pid,
      sdk: 'none',
      contracts: { provider: ['1.0'] },
      store: '',
      ...more,
    };
    const answer = await this.#raw.call('hello', 'hello', Buffer.from(JSON.stringify(hello)), { deadline: Deadline.after(5_000) });
    return JSON.parse(answer.body.toString());
  }

  async close(): Promise<void> {
    await this.importing.close(Deadline.after(200));
    await this.exporting.close(Deadline.after(200));
  }
}
