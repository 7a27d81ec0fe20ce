import type { provider } from '@cleat/schemas';
import type { Deadline } from '@cleat/sdk';
import type { Attachment, DriverName, Endpoint, NetworkDefinition } from '../model.ts';

/** One attach of one endpoint. */
export interface AttachPlan {
  readonly endpoint: Endpoint;
  readonly network: NetworkDefinition;
  readonly number: number;
  readonly bootId: string;
  /** Path of the container's network namespace; empty when it has none of its own. */
  readonly namespace: string;
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  /** As the kernel asked. */
  readonly request: provider.AttachRequest;
  /** Writes down how far the attach is, before its next step is done. */
  readonly record: (attachment: Attachment) => void;
}

/** How networks of one kind are made on the host. Every method may come again after it was cut off half way. */
export interface NetworkDriver {
  readonly name: DriverName;
  /** Makes what the network needs before its first endpoint; gives the definition as it turned out. */
  open(network: NetworkDefinition): Promise<NetworkDefinition>;
  /** Removes it from the host. */
  close(network: NetworkDefinition): Promise<void>;
  /** Puts an endpoint into a container's namespace. When it fails, `detach` takes back what was recorded. */
  attach(plan: AttachPlan): Promise<Attachment>;
  /** Takes an attachment back, complete or not. */
  detach(endpoint: Endpoint, attachment: Attachment): Promise<void>;
  /** Holds again what died with an earlier process: listening ports. */
  resume(endpoint: Endpoint, attachment: Attachment): Promise<void>;
}
