/** What happens to a container: the second part of `container.<past>`. */
export type ContainerPast =
  | 'created'
  | 'started'
  | 'paused'
  | 'unpaused'
  | 'killed'
  | 'oom'
  | 'exited'
  | 'stopped'
  | 'restarted'
  | 'renamed'
  | 'updated'
  | 'resized'
  | 'attached'
  | 'exec-created'
  | 'exec-started'
  | 'exec-exited'
  | 'removed';

/** What happens to a plugin. */
export type PluginPast = 'installed' | 'upgraded' | 'enabled' | 'disabled' | 'ready' | 'lost' | 'incompatible' | 'failed' | 'removed';

/** What happens to the node itself. */
export type NodePast = 'started' | 'renumbered';

/** An event type and what is to be known of it. */
export interface EventTypeFacts {
  /** noun.past, without the `dev.cleat.` and the version that its CloudEvents name has. */
  readonly type: string;
  /** The record of the contract `event` that its data is. */
  readonly record: string;
  /** Who publishes it: kernel, or the plugin that does by default. */
  readonly by: string;
  /** The first version of Cleat that publishes it. */
  readonly since: string;
  readonly meaning: string;
  /** What its subject is. */
  readonly subject: string;
  /** Names in `properties`, of an event whose data is an Object. */
  readonly properties?: readonly string[];
}

type Facts = Pick<EventTypeFacts, 'meaning'> & Partial<EventTypeFacts>;

const CONTAINER: Readonly<Record<ContainerPast, Facts>> = {
  created: { meaning: 'It exists: every claim is reserved.' },
  started: { meaning: 'Its process runs. Also after a restart by policy; then nobody is the actor.' },
  paused: { meaning: 'Its processes are frozen.' },
  unpaused: { meaning: 'Its processes go on.' },
  killed: { meaning: 'A signal was sent to its process, by a kill or as part of a stop.', record: 'ContainerKilled' },
  oom: { meaning: 'The kernel of Linux ended a process of it for want of memory; `exited` follows.' },
  exited: { meaning: 'Its process has ended, and what it used is given back or owed.', record: 'ContainerExited' },
  stopped: { meaning: 'A stop that a client asked for is complete; `killed` and `exited` came before.' },
  restarted: { meaning: 'A restart that a client asked for is complete; `stopped` and `started` came before.' },
  renamed: { meaning: 'It has another name.', record: 'ContainerRenamed' },
  updated: { meaning: 'Limits, restart policy or client data were changed.' },
  resized: { meaning: 'Its terminal has another size.' },
  attached: { meaning: 'A client asked for its streams.' },
  'exec-created': { meaning: 'Another process was prepared in it.', record: 'ContainerExec' },
  'exec-started': { meaning: 'That process runs.', record: 'ContainerExec' },
  'exec-exited': { meaning: 'That process has ended, or could not be started.', record: 'ContainerExec' },
  removed: { meaning: 'It is gone, with everything that only it owned if that was asked for.' },
};

const PLUGIN: Readonly<Record<PluginPast, Facts>> = {
  installed: { meaning: 'A plugin of a third party was installed.' },
  upgraded: { meaning: 'It was installed again over what was there.' },
  enabled: { meaning: 'It is to run.' },
  disabled: { meaning: 'It is not to run any more.' },
  ready: { meaning: 'It has said hello and answered every reconcile: calls are served.' },
  lost: { meaning: 'It was ready and is not any more: its process or connection ended, or no heartbeat came.' },
  incompatible: { meaning: 'It speaks no version of a contract that this node speaks.' },
  failed: { meaning: 'Its process ended too often to be started again.' },
  removed: { meaning: 'It was uninstalled.' },
};

const NODE: Readonly<Record<NodePast, Facts>> = {
  started: { meaning: 'Its kernel has begun, for the first time or again. Containers and plugins may have run on.' },
  renumbered: {
    meaning: 'The journal lost its newest records by a power cut, so events go on under a new node id; the subject is the old one.',
  },
};

const VOLUME_SUBJECT = { by: 'storage', subject: 'name of the volume' };
const NETWORK_SUBJECT = { by: 'network', subject: 'id of the network' };
const IMAGE_SUBJECT = { by: 'images', subject: 'id of the image', properties: ['name'] };

const OBJECT: Readonly<Record<string, Facts & { readonly by: string; readonly subject: string }>> = {
  'volume.created': { ...VOLUME_SUBJECT, meaning: 'A volume was made.', properties: ['driver'] },
  'volume.removed': { ...VOLUME_SUBJECT, meaning: 'It is gone, with its data.', properties: ['driver'] },
  'volume.mounted': {
    ...VOLUME_SUBJECT,
    meaning: 'A use by a container has begun.',
    properties: ['driver', 'container', 'destination', 'propagation', 'read/write'],
  },
  'volume.unmounted': { ...VOLUME_SUBJECT, meaning: 'The use by a container has ended.', properties: ['driver', 'container'] },
  'network.created': { ...NETWORK_SUBJECT, meaning: 'A network was made.', properties: ['name', 'type'] },
  'network.removed': { ...NETWORK_SUBJECT, meaning: 'It is gone.', properties: ['name', 'type'] },
  'network.connected': { ...NETWORK_SUBJECT, meaning: 'A container has an endpoint on it.', properties: ['container', 'name', 'type'] },
  'network.disconnected': { ...NETWORK_SUBJECT, meaning: 'That endpoint is gone.', properties: ['container', 'name', 'type'] },
  'image.imported': { ...IMAGE_SUBJECT, meaning: 'An image was made of the archive of a file system.' },
  'image.loaded': { ...IMAGE_SUBJECT, meaning: 'An image came from an archive of images.' },
  'image.saved': { ...IMAGE_SUBJECT, meaning: 'An image was written to an archive.' },
  'image.tagged': { ...IMAGE_SUBJECT, meaning: 'An image has one more name.' },
  'image.untagged': { ...IMAGE_SUBJECT, meaning: 'An image has one name less.' },
  'image.deleted': { ...IMAGE_SUBJECT, meaning: 'An image is gone.' },
};

const KERNEL = { by: 'kernel', since: '0.1.0' };

/** Every event that Cleat itself publishes, sorted; plugins of third parties declare theirs in their manifests. */
export function eventTypes(): readonly EventTypeFacts[] {
  const container = Object.entries(CONTAINER).map(([past, facts]) => ({
    ...KERNEL,
    ...{ type: `container.${past}`, record: 'Container', subject: 'id of the container' },
    ...facts,
  }));
  const plugin = Object.entries(PLUGIN).map(([past, facts]) => ({
    ...KERNEL,
    ...{ type: `plugin.${past}`, record: 'Plugin', subject: 'name of the plugin' },
    ...facts,
  }));
  const node = Object.entries(NODE).map(([past, facts]) => ({
    ...KERNEL,
    ...{ type: `node.${past}`, record: 'Node', subject: 'id of the node' },
    ...facts,
  }));
  const object = Object.entries(OBJECT).map(([type, facts]) => ({ since: '0.1.0', type, record: 'Object', ...facts }));
  return [...container, ...plugin, ...node, ...object];
}
