import { badRequest } from '../errors.ts';
import type { Fields } from './fields.ts';
import { isObject, type JsonObject, numberAt, objectAt, parseObject } from './json.ts';

/** The kernel's bound on what a client may have it remember. */
const MAX_BYTES = 64 * 1024;
const FORMAT = 'docker/1';

/** What of a create request cannot be told from spec and claims; shown again by inspect. */
export interface Remembered {
  readonly config: JsonObject;
  readonly host: JsonObject;
  /** EndpointSettings by network, as asked for. */
  readonly endpoints: JsonObject;
  /** How many of the process's arguments are the entrypoint. */
  readonly entrypointLength: number;
}

/** Kept by the kernel in a form of its own: environment (merged with the image's) and labels. */
const KEPT_ELSEWHERE: ReadonlySet<string> = new Set(['Env', 'Labels', 'HostConfig', 'NetworkingConfig']);

function says(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isObject(value) || Object.keys(value).length > 0;
}

/** Members that say something beyond the default. */
function meaningful(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => !KEPT_ELSEWHERE.has(name) && says(value)));
}

/** Of a body of POST /containers/create. */
export function remember(body: Fields, entrypointLength: number): string {
  return encodeRemembered({
    config: meaningful(body.raw),
    host: meaningful(body.object('HostConfig').raw),
    endpoints: meaningful(body.object('NetworkingConfig').object('EndpointsConfig').raw),
    entrypointLength,
  });
}

export function encodeRemembered(value: Remembered): string {
  const text = JSON.stringify({ format: FORMAT, ...value });
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw badRequest(`the container's configuration is larger than ${MAX_BYTES / 1024} KiB, which is the most that can be kept`);
  }
  return text;
}

/** Of a container that another client made: empty. */
export function remembered(client: string): Remembered {
  const value = parseObject(client);
  if (value['format'] !== FORMAT) return { config: {}, host: {}, endpoints: {}, entrypointLength: 0 };
  return {
    config: objectAt(value, 'config'),
    host: objectAt(value, 'host'),
    endpoints: objectAt(value, 'endpoints'),
    entrypointLength: numberAt(value, 'entrypointLength'),
  };
}
