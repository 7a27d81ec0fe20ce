import type { ReceivedEvent } from '@cleat/sdk';
import { type JsonObject, numberAt, stringAt, stringMapAt, stringsAt } from './json.ts';

/** An event in Docker's words. */
export interface DockerEvent {
  readonly type: string;
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly time: bigint;
}

/** Docker's names of what happens to a container. */
const CONTAINER_ACTIONS: Readonly<Record<string, string>> = {
  created: 'create',
  started: 'start',
  exited: 'die',
  killed: 'kill',
  stopped: 'stop',
  restarted: 'restart',
  paused: 'pause',
  unpaused: 'unpause',
  renamed: 'rename',
  updated: 'update',
  removed: 'destroy',
  attached: 'attach',
  detached: 'detach',
  resized: 'resize',
  oom: 'oom',
  exported: 'export',
  copied: 'copy',
};

const EXEC_ACTIONS: Readonly<Record<string, string>> = {
  'exec-created': 'exec_create',
  'exec-started': 'exec_start',
  'exec-exited': 'exec_die',
  'exec-detached': 'exec_detach',
};

const OBJECT_ACTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  volume: { created: 'create', removed: 'destroy', mounted: 'mount', unmounted: 'unmount', pruned: 'prune' },
  network: { created: 'create', removed: 'destroy', connected: 'connect', disconnected: 'disconnect', updated: 'update', pruned: 'prune' },
  image: {
    imported: 'import',
    loaded: 'load',
    tagged: 'tag',
    untagged: 'untag',
    deleted: 'delete',
    removed: 'delete',
    saved: 'save',
    pulled: 'pull',
    pushed: 'push',
    built: 'create',
    pruned: 'prune',
  },
};

function labelsAndProperties(data: unknown): Readonly<Record<string, string>> {
  return { ...stringMapAt(data, 'labels'), ...stringMapAt(data, 'attributes'), ...stringMapAt(data, 'properties') };
}

const NS_PER_S = 1e9;

/** What Docker tells beside name, image and labels. */
function containerExtras(action: string, data: unknown): Readonly<Record<string, string>> {
  switch (action) {
    case 'die':
      return {
        execDuration: String(Math.max(0, Math.floor(numberAt(data, 'durationNs') / NS_PER_S))),
        exitCode: String(numberAt(data, 'exitCode')),
      };
    case 'kill':
      return { signal: String(numberAt(data, 'signal')) };
    case 'rename':
      return { oldName: `/${stringAt(data, 'oldName')}` };
    default:
      return {};
  }
}

function containerEvent(event: ReceivedEvent, past: string): DockerEvent | undefined {
  const action = CONTAINER_ACTIONS[past];
  if (action === undefined) return undefined;
  const attributes = { ...labelsAndProperties(event.data), name: stringAt(event.data, 'name'), ...containerExtras(action, event.data) };
  return { type: 'container', action, id: event.subject, attributes, time: event.time };
}

/** `exec_start: sh -c ls`: the command is part of the action. */
function execEvent(event: ReceivedEvent, past: string): DockerEvent | undefined {
  const word = EXEC_ACTIONS[past];
  if (word === undefined) return undefined;
  const command = stringsAt(event.data, 'args').join(' ');
  const action = word === 'exec_create' || word === 'exec_start' ? `${word}: ${command}` : word;
  const exit = word === 'exec_die' ? { exitCode: String(numberAt(event.data, 'exitCode')) } : {};
  const attributes = {
    ...labelsAndProperties(event.data),
    name: stringAt(event.data, 'name'),
    execID: stringAt(event.data, 'exec'),
    ...exit,
  };
  return { type: 'container', action, id: event.subject, attributes, time: event.time };
}

/** An event as Docker has it; undefined when Docker has no such. */
export function dockerEvent(event: ReceivedEvent): DockerEvent | undefined {
  const dot = event.type.indexOf('.');
  const noun = event.type.slice(0, dot);
  const past = event.type.slice(dot + 1);
  if (noun === 'container') return past.startsWith('exec-') ? execEvent(event, past) : containerEvent(event, past);
  const action = OBJECT_ACTIONS[noun]?.[past];
  if (action === undefined) return undefined;
  return { type: noun, action, id: event.subject, attributes: labelsAndProperties(event.data), time: event.time };
}

/** In the newest shape. */
export function eventMessage(event: DockerEvent): JsonObject {
  return {
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.id, Attributes: event.attributes },
    scope: 'local',
    time: Number(event.time / 1_000_000_000n),
    timeNano: 0,
  };
}

/** Nanoseconds are beyond the whole numbers of JSON.stringify: they are put into the text. */
export function eventText(message: JsonObject, time: bigint): string {
  return `${JSON.stringify({ ...message, timeNano: 0 }).replace('"timeNano":0', `"timeNano":${time}`)}\n`;
}
