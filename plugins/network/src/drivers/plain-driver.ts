import { createHash } from 'node:crypto';
import type { Attachment, DriverName, NetworkDefinition } from '../model.ts';
import type { AttachPlan, NetworkDriver } from './driver.ts';

/** The host's own network, and none at all: the kernel gives the namespace, there is nothing to add. */
export class PlainDriver implements NetworkDriver {
  readonly name: DriverName;

  constructor(name: 'host' | 'null') {
    this.name = name;
  }

  open(network: NetworkDefinition): Promise<NetworkDefinition> {
    return Promise.resolve(network);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  attach(plan: AttachPlan): Promise<Attachment> {
    const attachment: Attachment = {
      endpointId: createHash('sha256').update(`${plan.endpoint.key}/${plan.bootId}/${plan.number}`).digest('hex'),
      number: plan.number,
      bootId: plan.bootId,
      namespace: plan.namespace,
      hostLink: '',
      interfaceName: '',
      ipv4: undefined,
      ipv6: undefined,
      mac: '',
      ports: [],
      isComplete: true,
    };
    plan.record(attachment);
    return Promise.resolve(attachment);
  }

  detach(): Promise<void> {
    return Promise.resolve();
  }

  resume(): Promise<void> {
    return Promise.resolve();
  }
}
