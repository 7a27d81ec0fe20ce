import type { ContainerPast } from '@cleat/schemas/event-types';
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

const CONTAINER_ACTIONS: Readonly<Record<ContainerPast, string>> = {
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
  resized: 'resize',
  oom: 'oom',
  'exec-created': 'exec_create',
  'exec-started': 'exec_start',
  'exec-exited': 'exec_die',
};

/** Docker's names of what happens, by the event types that Cleat publishes. */
export const DOCKER_ACTIONS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(CONTAINER_ACTIONS).map(([past, action]) => [`container.${past}`, action] as const),
  ['volume.created', 'create'],
  ['volume.removed', 'destroy'],
  ['volume.mounted', 'mount'],
  ['volume.unmounted', 'unmount'],
  ['network.created', 'create'],
  ['network.removed', 'destroy'],
  ['network.connected', 'connect'],
  ['network.disconnected', 'disconnect'],
  ['image.imported', 'import'],
  ['image.loaded', 'load'],
  ['image.saved', 'save'],
  ['image.tagged', 'tag'],
  ['image.untagged', 'untag'],
  ['image.deleted', 'delete'],
]);

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

function containerEvent(event: ReceivedEvent, action: string): DockerEvent {
  const attributes = { ...labelsAndProperties(event.data), name: stringAt(event.data, 'name'), ...containerExtras(action, event.data) };
  return { type: 'container', action, id: event.subject, attributes, time: event.time };
}

/** `exec_start: sh -c ls`: the command is part of the action. */
function execEvent(event: ReceivedEvent, word: string): DockerEvent {
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
  const action = DOCKER_ACTIONS.get(event.type);
  if (action === undefined) return undefined;
  const noun = event.type.slice(0, event.type.indexOf('.'));
  if (noun === 'container') return action.startsWith('exec_') ? execEvent(event, action) : containerEvent(event, action);
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
