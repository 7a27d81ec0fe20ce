import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { childEnv, runProcess, tempDir } from '@cleat/harness';

const HOST_PROCESS = fileURLToPath(new URL('./host-process.js', import.meta.url));
const CALL_LIMIT_MS = 30_000;
export const BOOT_ID = '2a6f1d9c-0000-4000-8000-000000000001';

interface Teardown {
  teardown(undo: () => unknown): void;
}

type Json = Readonly<Record<string, unknown>>;

/** Network namespaces that play hosts, neighbours and containers, all gone after the test. */
export class NetworkLab {
  readonly directory: string;
  readonly #t: Teardown;
  #made = 0;

  constructor(t: Teardown) {
    this.#t = t;
    this.directory = tempDir(t as never, 'cleat-lab-');
  }

  /** A new network namespace with its loopback up. */
  async namespace(name: string): Promise<string> {
    this.#made += 1;
    const pin = join(this.directory, `${name}-${this.#made}`);
    writeFileSync(pin, '');
    await runProcess(['unshare', `--net=${pin}`, 'ip', 'link', 'set', 'lo', 'up']);
    this.#t.teardown(() => this.unpin(pin));
    return pin;
  }

  async unpin(pin: string): Promise<void> {
    await runProcess(['umount', '-l', pin], { allowExit: 'any' });
  }

  /** Joins two namespaces by a wire. */
  async wire(left: string, leftAddress: string, right: string, rightAddress: string): Promise<void> {
    this.#made += 1;
    const [a, b] = [`wa${this.#made}`, `wb${this.#made}`];
    // A namespace is named to ip by a descriptor: the pins lie outside its own directory.
    await runProcess([
      'sh',
      '-c',
      `exec 9<${right} && nsenter --net=${left} ip link add ${a} type veth peer name ${b} netns /proc/$$/fd/9`,
    ]);
    for (const [namespace, link, address] of [
      [left, a, leftAddress],
      [right, b, rightAddress],
    ] as const) {
      await this.run(namespace, 'ip', 'addr', 'add', `${address}/24`, 'dev', link);
      await this.run(namespace, 'ip', 'link', 'set', link, 'up');
    }
  }

  async run(namespace: string, ...argv: readonly string[]): Promise<string> {
    return (await runProcess(['nsenter', `--net=${namespace}`, ...argv])).stdout;
  }

  /** Starts the plugin's engine in a namespace. */
  async host(
    namespace: string,
    options: { readonly instanceId?: string; readonly stateDir?: string; readonly config?: Json; readonly fault?: string } = {},
  ): Promise<HostProcess> {
    this.#made += 1;
    const stateDir = options.stateDir ?? join(this.directory, `state-${this.#made}`);
    mkdirSync(stateDir, { recursive: true });
    const instanceId = options.instanceId ?? randomBytes(4).toString('hex');
    const host = new HostProcess(namespace, stateDir, instanceId, options.config ?? {}, options.fault ?? '');
    this.#t.teardown(() => host.kill());
    await host.ready;
    return host;
  }
}

interface Pending {
  readonly resolve: (value: Json) => void;
  readonly reject: (error: Error) => void;
}

export interface ContainerOptions {
  readonly name: string;
  readonly network?: string;
  readonly [option: string]: unknown;
}

/** A container as far as networks see one. */
export interface LabContainer {
  readonly id: string;
  readonly name: string;
  readonly claim: string;
  readonly namespace: string;
  readonly options: string;
  status: Json;
  hosts: readonly string[];
  dns: { readonly servers: readonly string[]; readonly search: readonly string[]; readonly options: readonly string[] };
}

/** The plugin's engine in a process of its own. */
export class HostProcess {
  readonly ready: Promise<void>;
  readonly namespace: string;
  readonly stateDir: string;
  readonly instanceId: string;
  readonly warnings: string[] = [];
  readonly events: Json[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #calls = 0;
  #number = 0;

  constructor(namespace: string, stateDir: string, instanceId: string, config: Json, fault: string) {
    this.namespace = namespace;
    this.stateDir = stateDir;
    this.instanceId = instanceId;
    this.#child = spawn(
      'nsenter',
      [`--net=${namespace}`, process.execPath, HOST_PROCESS, stateDir, instanceId, JSON.stringify(config), fault],
      { stdio: ['pipe', 'pipe', 'pipe'], env: childEnv() },
    );
    let complaint = '';
    this.#child.stderr.on('data', (text: Buffer) => {
      complaint += text.toString();
    });
    this.#child.stdin.on('error', () => undefined);
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.#onLine(JSON.parse(line) as Json, resolve));
      this.#child.on('exit', () => reject(new Error(`the engine ended: ${complaint}`)));
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on('exit', () => {
        for (const { reject } of this.#pending.values()) reject(new Error(`the engine ended: ${complaint}`));
        this.#pending.clear();
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  call(operation: string, request: Json): Promise<Json> {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${operation} was not answered`)), CALL_LIMIT_MS);
      this.#pending.set(id, {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#child.stdin.write(`${JSON.stringify({ id, operation, request })}\n`);
    });
  }

  async createNetwork(name: string, more: Json = {}): Promise<string> {
    const answer = await this.call('create', {
      name,
      driver: 'bridge',
      internal: false,
      attachable: false,
      ipv4: true,
      ipv6: false,
      ipamDriver: 'default',
      ipamOptions: {},
      pools: [],
      options: {},
      labels: {},
      ...more,
    });
    return String(answer['id']);
  }

  /** Reserves a claim; the container has the namespace. */
  async reserve(namespace: string, options: ContainerOptions, id: string = randomBytes(32).toString('hex')): Promise<LabContainer> {
    const { name, ...rest } = options;
    const text = JSON.stringify({ network: 'bridge', ...rest });
    const container: LabContainer = {
      id,
      name,
      claim: `network-${String(options.network ?? 'bridge')}`,
      namespace,
      options: text,
      status: {},
      hosts: [],
      dns: { servers: [], search: [], options: [] },
    };
    const answer = await this.call('reserve', {
      reference: this.reference(container),
      options: text,
      container: this.#described(container),
    });
    container.status = JSON.parse(String(answer['status'])) as Json;
    return container;
  }

  async attach(container: LabContainer, number?: number): Promise<LabContainer> {
    const reference = { ...this.reference(container), ...(number === undefined ? {} : { number }) };
    const answer = await this.call('attach', {
      reference,
      options: container.options,
      status: JSON.stringify(container.status),
      container: this.#described(container),
      networkNamespace: container.namespace,
    });
    container.status = JSON.parse(String(answer['status'])) as Json;
    const contribution = answer['contribution'] as { hosts: readonly string[]; dns: LabContainer['dns'] };
    container.hosts = contribution.hosts;
    container.dns = contribution.dns;
    return container;
  }

  async start(namespace: string, options: ContainerOptions): Promise<LabContainer> {
    return this.attach(await this.reserve(namespace, options));
  }

  async detach(container: LabContainer): Promise<void> {
    await this.call('detach', this.reference(container));
  }

  async release(container: LabContainer): Promise<void> {
    await this.call('release', this.reference(container));
  }

  held(container: LabContainer, attached = true): Json {
    return {
      reference: { ...this.reference(container), number: this.#number },
      options: container.options,
      status: JSON.stringify(container.status),
      attached,
      container: this.#described(container),
      networkNamespace: container.namespace,
    };
  }

  async reconcile(held: readonly Json[], owed: readonly Json[] = [], bootId: string = BOOT_ID): Promise<Json> {
    return this.call('reconcile', { bootId, held, owed });
  }

  reference(container: LabContainer): Json {
    this.#number += 1;
    return {
      object: `${container.id}/${container.claim}`,
      container: container.id,
      claim: container.claim,
      bootId: BOOT_ID,
      number: this.#number,
    };
  }

  /** Ends the process at once. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #described(container: LabContainer): Json {
    return { id: container.id, name: container.name, hostname: container.id.slice(0, 12), labels: {} };
  }

  #onLine(line: Json, ready: () => void): void {
    if (line['ready'] === true) ready();
    if (typeof line['warning'] === 'string') this.warnings.push(`${line['warning']} ${String(line['fields'])}`);
    if (typeof line['event'] === 'object') this.events.push(line['event'] as Json);
    if (typeof line['id'] !== 'number') return;
    const pending = this.#pending.get(line['id']);
    this.#pending.delete(line['id']);
    if (typeof line['message'] === 'string') {
      pending?.reject(Object.assign(new Error(line['message']), { code: line['code'], remoteStack: line['stack'] }));
    } else {
      pending?.resolve((line['result'] ?? {}) as Json);
    }
  }
}
