import { createHash } from 'node:crypto';
import { CleatError, type provider } from '@cleat/schemas';
import { Deadline } from '@cleat/sdk';
import type { DriverCallScope, DriverLedger } from '@cleat/sdk/drivers';
import type { AssignedAddress, Attachment, DriverName, Endpoint, NetworkDefinition } from '../model.ts';
import type { AttachPlan, NetworkDriver } from './driver.ts';

/** Making and removing a network, and taking an endpoint out: nobody's own deadline reaches these. */
const DRIVER_MS = 30_000;

/** What is used of the ledger: its object is a network. */
export type NetworkLedger = Pick<DriverLedger, 'reserve' | 'release' | 'attach' | 'detach' | 'find' | 'settleUses'>;

/** Networks that a driver of another plugin makes: it is asked by `provider@1`, and what it was asked for is in the ledger. */
export class PluginDriver implements NetworkDriver {
  readonly name: DriverName = 'plugin';
  readonly #ledger: NetworkLedger | undefined;

  constructor(ledger: NetworkLedger | undefined) {
    this.#ledger = ledger;
  }

  async open(network: NetworkDefinition): Promise<NetworkDefinition> {
    const ledger = this.#held(network);
    if (ledger.find(network.id) !== undefined) return network;
    const { id, plugin = '', options } = network;
    await ledger.reserve({ driver: plugin, object: id, options: JSON.stringify(options) }, ownScope());
    return network;
  }

  async close(network: NetworkDefinition): Promise<void> {
    await this.#held(network).release(network.id, { purge: true }, ownScope());
  }

  async attach(plan: AttachPlan): Promise<Attachment> {
    const { network, request } = plan;
    // One whose making was cut off by a kill is made now.
    await this.open(network);
    const begun = begin(plan);
    plan.record(begun);
    const scope = { deadline: plan.deadline, signal: plan.signal };
    const { status, contribution } = await this.#held(network).attach(network.id, request, scope);
    checkContribution(network, contribution);
    const made: Attachment = { ...begun, ...placeIn(status), hosts: contribution.hosts, isComplete: true };
    plan.record(made);
    return made;
  }

  /** By the number of the attach, which it ends. What the driver cannot do now it is owed. */
  async detach(endpoint: Endpoint, { bootId, number }: Attachment): Promise<void> {
    const { container, claim, key, networkId } = endpoint;
    await this.#ledger?.detach(networkId, { object: key, container, claim, bootId, number }, ownScope());
  }

  resume(): Promise<void> {
    return Promise.resolve();
  }

  #held(network: NetworkDefinition): NetworkLedger {
    if (this.#ledger !== undefined) return this.#ledger;
    throw new CleatError(
      'not_found',
      'NETWORK_DRIVER_NOT_FOUND',
      `plugin "${network.plugin ?? ''}" not found: there is no network driver of that name`,
    );
  }
}

function ownScope(): DriverCallScope {
  return { deadline: Deadline.after(DRIVER_MS), signal: new AbortController().signal };
}

function begin({ endpoint, bootId, number, namespace }: AttachPlan): Attachment {
  return {
    endpointId: createHash('sha256').update(`${endpoint.key}/${bootId}/${number}`).digest('hex'),
    ...{ number, bootId, namespace },
    ...{ hostLink: '', interfaceName: '', mac: '', ports: [] },
    ipv4: undefined,
    ipv6: undefined,
    isComplete: false,
  };
}

/** The kind passes lines for /etc/hosts on, and nothing else: what it does not pass on it must not seem to take. */
function checkContribution(network: NetworkDefinition, contribution: provider.AttachResponse['contribution']): void {
  const { root, mounts, devices, environment, dns, hooks, annotations, log } = contribution;
  const lists = mounts.length + devices.length + environment.length + hooks.length + Object.keys(annotations).length;
  if (root === null && dns === null && log === null && lists === 0) return;
  throw new CleatError(
    'internal',
    'NETWORK_DRIVER_ANSWER',
    `the network driver ${network.plugin ?? ''} gave a container more than lines for /etc/hosts`,
  );
}

/** What a driver's status says that clients show: `{"ipv4": "10.0.0.2/24", "gateway": ..., "ipv6": ..., "mac": ..., "interface": ...}`. */
function placeIn(status: string): Pick<Attachment, 'ipv4' | 'ipv6' | 'mac' | 'interfaceName'> {
  const value: unknown = status === '' ? {} : JSON.parse(status);
  const fields = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const text = (name: string): string => {
    const found: unknown = fields.get(name);
    return typeof found === 'string' ? found : '';
  };
  return {
    ipv4: assigned(text('ipv4'), text('gateway'), 32),
    ipv6: assigned(text('ipv6'), text('ipv6Gateway'), 128),
    mac: text('mac'),
    interfaceName: text('interface'),
  };
}

function assigned(cidr: string, gateway: string, whole: number): AssignedAddress | undefined {
  const [address = '', prefix = String(whole)] = cidr.split('/');
  return address === '' ? undefined : { address, prefixLength: Number(prefix), gateway };
}
