// Generated from schemas/contracts/provider-types.avdl by "npm run generate": do not edit.
import type { Device as CommonDevice, DeviceInput as CommonDeviceInput, Dns as CommonDns, DnsInput as CommonDnsInput } from './common.ts';

/** Whom a call is about, and how new it is. */
export interface Reference {
  /** At the first level the same as container/claim; at the second the volume's or network's id. */
  readonly object: string;
  readonly container: string;
  readonly claim: string;
  /** /proc/sys/kernel/random/boot_id of the numbers' boot. */
  readonly bootId: string;
  readonly number: number;
}

/** What encoding takes for a Reference: fields with a default may be left out. */
export interface ReferenceInput {
  readonly object: string;
  readonly container?: string | undefined;
  readonly claim?: string | undefined;
  readonly bootId: string;
  readonly number: number;
}

/** What a provider may be told of the container. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What encoding takes for a Container: fields with a default may be left out. */
export interface ContainerInput {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly hostname?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** An event of the provider's own object, recorded with the answer; of a type that its manifest declares. */
export interface Event {
  /** noun.past: network.connected. */
  readonly type: string;
  /** The object's id. */
  readonly subject: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
}

/** What encoding takes for a Event: fields with a default may be left out. */
export interface EventInput {
  readonly type: string;
  readonly subject: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/** A mount described, not made; runc makes it in the container's mount namespace. */
export interface Mount {
  /** bind or tmpfs. */
  readonly type: string;
  /** Host path below the provider's root. */
  readonly source: string;
  readonly target: string;
  readonly options: ReadonlyArray<string>;
  /** Fill an empty source from what the image has at the target. */
  readonly copyUp: boolean;
}

/** What encoding takes for a Mount: fields with a default may be left out. */
export interface MountInput {
  readonly type: string;
  readonly source?: string | undefined;
  readonly target: string;
  readonly options?: ReadonlyArray<string> | undefined;
  readonly copyUp?: boolean | undefined;
}

/** The root file system described; the kernel mounts it. */
export interface Root {
  /** overlay or bind. */
  readonly type: string;
  /** bind: the directory. */
  readonly source: string;
  /** overlay: lower directories, upmost first, then upper and work directory. */
  readonly lower: ReadonlyArray<string>;
  readonly upper: string;
  readonly work: string;
  readonly options: ReadonlyArray<string>;
}

/** What encoding takes for a Root: fields with a default may be left out. */
export interface RootInput {
  readonly type: string;
  readonly source?: string | undefined;
  readonly lower?: ReadonlyArray<string> | undefined;
  readonly upper?: string | undefined;
  readonly work?: string | undefined;
  readonly options?: ReadonlyArray<string> | undefined;
}

/** A hook of the OCI runtime specification. */
export interface Hook {
  /** prestart, createRuntime, createContainer, startContainer, poststart, poststop. */
  readonly at: string;
  readonly path: string;
  readonly args: ReadonlyArray<string>;
  readonly env: ReadonlyArray<string>;
  readonly timeoutS: number;
}

/** What encoding takes for a Hook: fields with a default may be left out. */
export interface HookInput {
  readonly at: string;
  readonly path: string;
  readonly args?: ReadonlyArray<string> | undefined;
  readonly env?: ReadonlyArray<string> | undefined;
  readonly timeoutS?: number | undefined;
}

/** 0: without a bound. */
export interface LogPolicy {
  readonly segmentBytes: number;
  readonly spoolBytes: number;
  /** blocking or non-blocking. */
  readonly mode: string;
}

/** What encoding takes for a LogPolicy: fields with a default may be left out. */
export interface LogPolicyInput {
  readonly segmentBytes?: number | undefined;
  readonly spoolBytes?: number | undefined;
  readonly mode?: string | undefined;
}

/** What a claim adds to a container. The grant of the provider says which parts it may give. */
export interface Contribution {
  readonly root: null | Root;
  readonly mounts: ReadonlyArray<Mount>;
  readonly devices: ReadonlyArray<CommonDevice>;
  /** NAME=value. */
  readonly environment: ReadonlyArray<string>;
  /** Lines for /etc/hosts. */
  readonly hosts: ReadonlyArray<string>;
  readonly dns: null | CommonDns;
  readonly hooks: ReadonlyArray<Hook>;
  readonly annotations: Readonly<Record<string, string>>;
  /** How the monitor logs; from a provider of the kind log, at reserve. */
  readonly log: null | LogPolicy;
}

/** What encoding takes for a Contribution: fields with a default may be left out. */
export interface ContributionInput {
  readonly root?: null | RootInput | undefined;
  readonly mounts?: ReadonlyArray<MountInput> | undefined;
  readonly devices?: ReadonlyArray<CommonDeviceInput> | undefined;
  readonly environment?: ReadonlyArray<string> | undefined;
  readonly hosts?: ReadonlyArray<string> | undefined;
  readonly dns?: null | CommonDnsInput | undefined;
  readonly hooks?: ReadonlyArray<HookInput> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly log?: null | LogPolicyInput | undefined;
}
