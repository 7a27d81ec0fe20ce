/** A JSON Schema (draft 2020-12 or 7) as a plain object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a plugin says of itself: name, what it answers, what it needs. docs/plugin-authors/manifest.md tells each field's story. */
export interface Manifest {
  /** Version of the manifest format. */
  readonly cleat: 1;
  /** [a-z0-9][a-z0-9-]*, at most 40 characters. */
  readonly name: string;
  /** Semantic version of the plugin. */
  readonly version: string;
  readonly description?: string;
  /** Contracts it speaks, as provider of a kind, as service, or as caller, with every version it can. */
  readonly contracts: Readonly<Record<string, readonly string[]>>;
  /** Kinds of claims it provides. */
  readonly provides?: readonly ProvidedKind[];
  /** Kinds it is a driver of: answers `provider@1` to that kind's provider. */
  readonly drives?: readonly DrivenKind[];
  /** Contracts whose operations it answers. */
  readonly services?: readonly string[];
  /** Operations it judges: "container.create", "volume.*". */
  readonly intercepts?: readonly string[];
  /** Operations it calls: "container.create", "image.*"; a driver of its kind: "driver:volume". */
  readonly uses?: readonly string[];
  readonly events?: {
    /** Types of its own objects: "volume.created". */
    readonly publishes?: readonly string[];
    /** Filters: "container.*", "*". */
    readonly consumes?: readonly string[];
    /** It keeps a position in the stream. */
    readonly durable?: boolean;
  };
  /** What it asks to be granted. */
  readonly permissions?: Permissions;
  /** Checked before the plugin is started. */
  readonly config?: JsonSchema;
  /** How a plugin in a directory of its own is started; the directory is the working directory. */
  readonly run?: {
    readonly command: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** Credentials that need no cryptography to show: for languages without an ed25519 at hand. */
    readonly bearer?: boolean;
  };
}

/** A kind of claim and how its provider is called. */
export interface ProvidedKind {
  readonly kind: string;
  /** Which pairs it needs; the other is not called. Both false: an observer's settings for a container. */
  readonly reserve: boolean;
  readonly attach: boolean;
  /** It wants the path of the mounted root file system at attach. */
  readonly needsRoot?: boolean;
  /** It wants to hear of new names and labels. */
  readonly hearsUpdates?: boolean;
  /** Schema of a claim's options, and of the status that it answers. */
  readonly options?: JsonSchema;
  readonly status?: JsonSchema;
}

/** A driver: one name of one kind. */
export interface DrivenKind {
  readonly kind: string;
  readonly name: string;
  readonly options?: JsonSchema;
}

/** Parts of a contribution that may be granted. */
export type ContributionPart = 'root' | 'mounts' | 'devices' | 'environment' | 'hosts' | 'dns' | 'hooks' | 'annotations' | 'log';

/** Bounds of what a plugin may do. */
export interface Permissions {
  readonly contribution?: readonly ContributionPart[];
  /** Absolute directories below which its mounts may lie; "$STATE" is its own state directory. */
  readonly mountRoots?: readonly string[];
  /** It may name another principal than itself. */
  readonly speakFor?: boolean;
}

/** Everything a plugin was granted; what the kernel enforces. */
export interface Grant {
  readonly uses: readonly string[];
  readonly intercepts: readonly string[];
  readonly publishes: readonly string[];
  readonly consumes: readonly string[];
  readonly durable: boolean;
  readonly contribution: readonly ContributionPart[];
  readonly mountRoots: readonly string[];
  readonly speakFor: boolean;
}

/** The first message of a participant: frozen JSON. */
export interface Hello {
  readonly hello: 1;
  readonly name: string;
  readonly version: string;
  /** Made anew by every start of the process. */
  readonly instance: string;
  readonly pid: number;
  readonly sdk: string;
  readonly contracts: Readonly<Record<string, readonly string[]>>;
  /** Identity of the store whose events it publishes; empty without one. */
  readonly store: string;
}

/** The kernel's answer: frozen JSON. A refusal comes as an error with a sentence that says what to upgrade. */
export interface Welcome {
  readonly welcome: 1;
  readonly node: string;
  readonly nodeName: string;
  readonly kernel: string;
  readonly bootId: string;
  readonly instanceId: string;
  readonly heartbeatMs: number;
  /** The version picked of each contract. */
  readonly picked: Readonly<Record<string, string>>;
  readonly grant: Grant;
  readonly config: Readonly<Record<string, unknown>>;
  readonly stateDir: string;
  readonly runDir: string;
  /** Highest number of the store's events that is durable. */
  readonly eventNumber: number;
  /** Ids of the containers that this plugin made. */
  readonly owned: readonly string[];
  /** Base of the event stream: sequence = stream sequence + base. */
  readonly streamBase: number;
}

const FULL: Grant = {
  uses: ['*'],
  intercepts: [],
  publishes: [],
  consumes: ['*'],
  durable: false,
  contribution: [],
  mountRoots: [],
  speakFor: true,
};

/** What a manifest asks for, as a grant. */
export function askedGrant(manifest: Manifest): Grant {
  return {
    uses: manifest.uses ?? [],
    intercepts: manifest.intercepts ?? [],
    publishes: manifest.events?.publishes ?? [],
    consumes: manifest.events?.consumes ?? [],
    durable: manifest.events?.durable ?? false,
    contribution: manifest.permissions?.contribution ?? [],
    mountRoots: manifest.permissions?.mountRoots ?? [],
    speakFor: manifest.permissions?.speakFor ?? false,
  };
}

/** The grant of the node's own command line: every operation, every event. */
export function operatorGrant(): Grant {
  return FULL;
}

/** True when a list of patterns ("container.*", "*", "container.create") has the dotted name. */
export function matchesPattern(patterns: readonly string[], name: string): boolean {
  return patterns.some(
    (pattern) => pattern === '*' || pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1))),
  );
}

/** What a consumer outside the platform may do: read its events, nothing else. */
export function consumerGrant(type: string): Grant {
  return {
    uses: ['event.open', 'event.list'],
    intercepts: [],
    publishes: [],
    consumes: [type],
    durable: true,
    contribution: [],
    mountRoots: [],
    speakFor: false,
  };
}
