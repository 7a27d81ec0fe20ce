import { type Codec, type common, type event, SchemaBook } from '@cleat/schemas';
import type { ContainerPast, NodePast, PluginPast } from '@cleat/schemas/event-types';

/** An event before it has a number. */
export interface EventDraft {
  /** noun.past */
  readonly type: string;
  readonly subject: string;
  readonly schema: string;
  readonly data: Uint8Array;
  /** Counts the container's events; absent for other objects. */
  readonly ofContainer?: string | undefined;
}

const book = new SchemaBook();

function encoded<T>(record: string, value: T): { readonly schema: string; readonly data: Uint8Array } {
  const codec: Codec<unknown, T> = book.record('event', `cleat.event.v1.${record}`);
  return { schema: codec.fingerprint, data: codec.encode(value) };
}

/** What every event of a container says of it. */
export interface ContainerFacts {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly actor: common.ActorInput;
}

function drafted<T extends object>(facts: ContainerFacts, past: ContainerPast, record: string, more: T): EventDraft {
  const { id, name, labels, attributes, actor } = facts;
  return { type: `container.${past}`, subject: id, ofContainer: id, ...encoded(record, { actor, name, labels, attributes, ...more }) };
}

/** container.created, started, paused, ... */
export function containerEvent(facts: ContainerFacts, past: ContainerPast): EventDraft {
  return drafted(facts, past, 'Container', {});
}

export function containerExited(
  facts: ContainerFacts,
  end: Omit<event.ContainerExitedInput, 'actor' | 'name' | 'labels' | 'attributes'>,
): EventDraft {
  return drafted(facts, 'exited', 'ContainerExited', end);
}

export function containerKilled(facts: ContainerFacts, signal: number): EventDraft {
  return drafted(facts, 'killed', 'ContainerKilled', { signal });
}

export function containerRenamed(facts: ContainerFacts, oldName: string): EventDraft {
  return drafted(facts, 'renamed', 'ContainerRenamed', { oldName });
}

export function execEvent(
  facts: ContainerFacts,
  past: 'exec-created' | 'exec-started' | 'exec-exited',
  exec: Pick<event.ContainerExecInput, 'exec' | 'args' | 'exitCode'>,
): EventDraft {
  return drafted(facts, past, 'ContainerExec', exec);
}

/** plugin.installed, ready, lost, ... */
export function pluginEvent(past: PluginPast, plugin: event.PluginInput): EventDraft {
  return { type: `plugin.${past}`, subject: plugin.name, ...encoded('Plugin', plugin) };
}

/** An event that a plugin gave of an object of its own. */
export function objectEvent(type: string, subject: string, data: event.ObjectInput): EventDraft {
  return { type, subject, ...encoded('Object', data) };
}

export function nodeEvent(past: NodePast, node: string, data: event.NodeInput): EventDraft {
  return { type: `node.${past}`, subject: node, ...encoded('Node', data) };
}
