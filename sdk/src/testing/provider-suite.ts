import { strict as assert } from 'node:assert';
import { Deadline } from '@cleat/core/deadlines';
import type { provider, providerTypes } from '@cleat/schemas';
import { driverAddress, providerAddress } from '@cleat/schemas';
import { eventually, lifeRules, type PluginUnderTest, refusal, Suite, type SuiteOptions, type SuiteTest } from './suite.ts';

export interface ProviderSuiteOptions extends SuiteOptions {
  /** The kind that it provides, or with `kind/name` the driver that it is. */
  readonly target: string;
  /** JSON text of a claim's options (of an object's, for a driver) that it accepts. */
  readonly options: string;
  /** Options that it has to refuse. */
  readonly refused?: string;
  /** Whether it is asked for the pair at all; absent: both. */
  readonly pairs?: { readonly reserve: boolean; readonly attach: boolean };
  /** What an attach of this suite carries besides: a network namespace, say. */
  readonly attach?: () => Promise<Partial<provider.AttachRequestInput>>;
  /** Looks at a contribution, and at the host: is it usable? */
  readonly checkContribution?: (contribution: providerTypes.Contribution) => Promise<void>;
  /** What the plugin holds on the host, by names: mounts, links, directories. Nothing of it may be left at the end. */
  readonly holdings?: (plugin: PluginUnderTest) => Promise<readonly string[]>;
}

/** One object, container and claim under numbers that grow. */
class Claim {
  readonly plugin: PluginUnderTest;
  readonly #options: ProviderSuiteOptions;
  readonly #name: string;

  constructor(plugin: PluginUnderTest, options: ProviderSuiteOptions, name: string) {
    this.plugin = plugin;
    this.#options = options;
    this.#name = name;
  }

  get #isDriver(): boolean {
    return this.#options.target.includes('/');
  }

  /** A driver's object is reserved by itself; a use of it has a container and a claim. */
  reference(number: number, of: 'object' | 'use'): providerTypes.ReferenceInput {
    const { bootId } = this.plugin.node.kernel;
    const container = 'a'.repeat(64);
    if (this.#isDriver && of === 'object') return { object: this.#name, bootId, number };
    const object = this.#isDriver ? this.#name : `${container}/${this.#name}`;
    return { object, container, claim: this.#name, bootId, number };
  }

  reserve(number: number, options: string = this.#options.options, deadline?: Deadline): Promise<provider.ReserveResponse> {
    const reference = this.reference(number, 'object');
    return this.#call('reserve', { reference, options, container: { id: reference.container ?? '' } }, deadline);
  }

  async attach(number: number, deadline?: Deadline): Promise<provider.AttachResponse> {
    const more = await this.#options.attach?.();
    const reference = this.reference(number, 'use');
    return this.#call(
      'attach',
      { reference, options: this.#options.options, container: { id: reference.container ?? '' }, ...more },
      deadline,
    );
  }

  detach(number: number): Promise<provider.DetachResponse> {
    return this.#call('detach', { reference: this.reference(number, 'use') });
  }

  release(number: number): Promise<provider.ReleaseResponse> {
    return this.#call('release', { reference: this.reference(number, 'object'), purge: true });
  }

  /** As the caller tells it at a reconcile. */
  held(number: number, status: string, isAttached: boolean): readonly provider.HeldInput[] {
    const held = { options: this.#options.options, status };
    const object = { ...held, reference: this.reference(number, 'object'), attached: isAttached && !this.#isDriver };
    const use = { ...held, reference: this.reference(number, 'use'), attached: true };
    return this.#isDriver && isAttached ? [object, use] : [object];
  }

  async reconcile(content: {
    readonly held?: readonly provider.HeldInput[];
    readonly owed?: readonly provider.OwedInput[];
  }): Promise<provider.ReconcileResponse> {
    const { bootId } = this.plugin.node.kernel;
    return this.#call('reconcile', { bootId, position: 1, page: 0, last: true, held: content.held ?? [], owed: content.owed ?? [] });
  }

  async end(number: number): Promise<void> {
    const { pairs } = this.#options;
    if (pairs?.attach !== false) await this.detach(number);
    if (pairs?.reserve !== false) await this.release(number + 1);
    const left = (await this.#options.holdings?.(this.plugin)) ?? [];
    assert.deepEqual(left, [], 'nothing is left on the host');
  }

  #call<O extends keyof provider.Operations & string>(
    operation: O,
    request: provider.Operations[O]['input'],
    deadline?: Deadline,
  ): Promise<provider.Operations[O]['response']> {
    return this.plugin.node.provider(this.#options.target, operation, request, deadline === undefined ? {} : { deadline });
  }
}

/** Every rule of `provider@1` that can be seen from outside, against the plugin in a process of its own. */
export function providerSuite(t: SuiteTest, options: ProviderSuiteOptions): void {
  const { pairs = { reserve: true, attach: true } } = options;
  const isDriver = options.target.includes('/');
  const suite = new Suite(t, options);
  lifeRules(suite, options);
  if (isDriver) {
    suite.test('before its first reconcile a driver asks for it', async (plugin) => {
      await plugin.restart();
      assert.equal((await refusal(new Claim(plugin, options, 'early').reserve(1))).code, 'RECONCILE_FIRST');
    });
  }

  let count = 0;
  const rule = (name: string, body: (claim: Claim) => Promise<void>): void => {
    suite.test(name, async (plugin) => {
      count += 1;
      const claim = new Claim(plugin, options, `suite${count}`);
      plugin.node.kernel.holdings.clear();
      // A driver hears from its kind what it holds before anything else.
      if (isDriver) await claim.reconcile({});
      await body(claim);
    });
  };

  if (pairs.reserve) reserveRules(rule, options);
  if (pairs.attach) attachRules(rule, options);
  rule('a request that is none is refused, and harms nothing', async (claim) => {
    const { node } = claim.plugin;
    const [kind = '', name] = options.target.split('/');
    const address = name === undefined ? providerAddress(kind) : driverAddress(kind, name);
    assert.equal((await refusal(node.raw(address, 'attach', Buffer.from([255, 255, 255])))).class, 'invalid_argument');
    assert.equal((await refusal(node.raw(address, 'explode', Buffer.alloc(0)))).class, 'unimplemented');
    if (pairs.reserve) await claim.reserve(1);
    await claim.end(2);
  });
  suite.end();
}

type Rule = (name: string, body: (claim: Claim) => Promise<void>) => void;

function reserveRules(rule: Rule, options: ProviderSuiteOptions): void {
  rule('reserve and release, each twice, have one effect and one answer', async (claim) => {
    const first = await claim.reserve(1);
    const second = await claim.reserve(1);
    assert.deepEqual(second, first);
    await claim.release(2);
    await claim.release(2);
    await claim.end(3);
  });
  rule('what was never reserved can be released', async (claim) => {
    await claim.release(1);
    await claim.end(2);
  });
  rule('a number below the highest is refused', async (claim) => {
    await claim.reserve(5);
    assert.equal((await refusal(claim.reserve(4))).code, 'FENCED');
    assert.equal((await refusal(claim.release(4))).code, 'FENCED');
    await claim.end(6);
  });
  const { refused } = options;
  if (refused !== undefined) {
    rule('options that cannot work are refused, and leave nothing', async (claim) => {
      const { class: name, message } = await refusal(claim.reserve(1, refused));
      assert.notEqual(name, 'internal', `not a fault of the plugin: ${message}`);
      await claim.end(2);
    });
  }
  rule('what it holds outlives SIGKILL, and what it is not told of is dropped', async (claim) => {
    const { status } = await claim.reserve(1);
    const { plugin } = claim;
    const { node } = plugin;
    tell(claim, options, { held: claim.held(1, status, false) });
    await plugin.restart();
    const kept = await settled(claim, options, { held: claim.held(1, status, false) });
    assert.deepEqual(kept.lacks, [], 'it still has what it reserved');
    tell(claim, options, {});
    await plugin.restart();
    await settled(claim, options, {});
    assert.deepEqual((await options.holdings?.(plugin)) ?? [], [], 'what is not listed is dropped');
    assert.notEqual(node.kernel.hello(plugin.name), undefined);
  });
  rule('what is owed is undone by the reconcile', async (claim) => {
    await claim.reserve(1);
    const owed = [{ reference: claim.reference(2, 'object'), operation: 'release', purge: true }];
    tell(claim, options, { owed });
    await claim.plugin.restart();
    const { failures } = await settled(claim, options, { owed });
    assert.deepEqual(failures, []);
    assert.equal((await refusal(claim.reserve(2))).code, 'FENCED');
    await claim.end(3);
  });
}

function attachRules(rule: Rule, options: ProviderSuiteOptions): void {
  const reserved = async (claim: Claim): Promise<string> => (options.pairs?.reserve === false ? '' : (await claim.reserve(1)).status);

  rule('attach gives its contribution, twice the same, within its grant; detach takes it back', async (claim) => {
    await reserved(claim);
    const first = await claim.attach(2);
    assert.deepEqual(await claim.attach(2), first);
    checkGrant(claim, first.contribution);
    await options.checkContribution?.(first.contribution);
    await claim.detach(3);
    await claim.detach(3);
    await claim.end(4);
  });
  rule('an attach that is not above the last detach is refused', async (claim) => {
    await reserved(claim);
    await claim.attach(2);
    await claim.detach(3);
    assert.equal((await refusal(claim.attach(3))).code, 'FENCED');
    await claim.attach(4);
    await claim.end(5);
  });
  rule('what was never attached can be detached', async (claim) => {
    await reserved(claim);
    await claim.detach(2);
    await claim.end(3);
  });
  rule('an answer that comes too late has no effect: it is stopped while it attaches, and goes on after the detach', async (claim) => {
    await reserved(claim);
    const { plugin } = claim;
    plugin.signal('SIGSTOP');
    const late = refusal(claim.attach(2, Deadline.after(700)));
    const { class: name } = await late;
    assert.equal(name, 'deadline_exceeded');
    const detached = claim.detach(3);
    plugin.signal('SIGCONT');
    await detached;
    assert.equal((await refusal(claim.attach(2))).code, 'FENCED');
    await claim.attach(4);
    await claim.end(5);
  });
  rule('a use outlives SIGKILL, and ends with a detach of the next process', async (claim) => {
    const status = await reserved(claim);
    const attached = await claim.attach(2);
    const held = claim.held(2, attached.status === '' ? status : attached.status, true);
    tell(claim, options, { held });
    await claim.plugin.restart();
    const { lacks } = await settled(claim, options, { held });
    assert.deepEqual(lacks, []);
    await claim.end(3);
  });
}

interface Told {
  readonly held?: readonly provider.HeldInput[];
  readonly owed?: readonly provider.OwedInput[];
}

/** What the kernel says when the plugin comes; a driver's kind says it by itself. */
function tell(claim: Claim, { target }: ProviderSuiteOptions, { held = [], owed = [] }: Told): void {
  if (!target.includes('/')) claim.plugin.node.kernel.holdings.set(target, { held, owed });
}

async function settled(claim: Claim, { target }: ProviderSuiteOptions, told: Told): Promise<provider.ReconcileResponse> {
  if (target.includes('/')) return claim.reconcile(told);
  const { kernel } = claim.plugin.node;
  await eventually('the reconcile', () => kernel.reconciled.has(target));
  return kernel.reconciled.get(target) ?? { lacks: [], failures: [] };
}

/** What the kernel would refuse. */
function checkGrant(claim: Claim, contribution: providerTypes.Contribution): void {
  const { grant, entry } = claim.plugin.plugin;
  const parts = {
    mounts: contribution.mounts,
    devices: contribution.devices,
    environment: contribution.environment,
    hosts: contribution.hosts,
    hooks: contribution.hooks,
  };
  for (const [part, given] of Object.entries(parts)) {
    if (given.length > 0)
      assert.ok(
        grant.contribution.some((granted) => granted === part),
        `it gives ${part}, which its manifest does not ask for`,
      );
  }
  const roots = grant.mountRoots.map((root) => root.replace(/^\$STATE/, entry.stateDir).replace(/^\$RUN/, entry.runDir));
  for (const { type, source } of contribution.mounts) {
    if (type !== 'bind') continue;
    assert.ok(
      roots.some((root) => source === root || source.startsWith(`${root}/`)),
      `the mount of ${source} is not below ${roots.join(' or ') || 'any root that its manifest asks for'}`,
    );
  }
}
