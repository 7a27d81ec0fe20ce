import type { JsonObject } from '../wire/json.ts';
import { REQUESTS } from './requests.ts';
import { RESPONSES } from './responses.ts';
import { type ApiVersion, minorOf } from './version.ts';

/** Shapes that changed over the versions. */
export type ShapeName =
  | 'container.inspect'
  | 'container.summary'
  | 'container.create'
  | 'container.wait'
  | 'container.prune'
  | 'image.inspect'
  | 'image.summary'
  | 'network'
  | 'network.connect'
  | 'event'
  | 'info'
  | 'disk-usage'
  | 'stats'
  | 'stream'
  | 'volume.prune'
  | 'volume.create'
  | 'network.create'
  | 'ping';

/** One change of the interface: what clients older than `since` get, or send. */
export interface Adapter {
  readonly since: string;
  readonly shape: ShapeName;
  /** The change, in a few words. */
  readonly what: string;
  readonly adapt: (value: JsonObject) => JsonObject;
}

/** An answer as that version knows it: every change after it taken back, the newest first. */
export function adapted(shape: ShapeName, version: ApiVersion, value: JsonObject): JsonObject {
  let result = value;
  for (const adapter of RESPONSES) {
    if (adapter.shape === shape && minorOf(adapter.since) > version) result = adapter.adapt(result);
  }
  return result;
}

/** A request of that version in the newest shape; its own version's changes come first. */
export function modernised(shape: ShapeName, version: ApiVersion, value: JsonObject): JsonObject {
  let result = value;
  for (const adapter of REQUESTS.toReversed()) {
    if (adapter.shape === shape && minorOf(adapter.since) > version) result = adapter.adapt(result);
  }
  return result;
}

/** Names the set of adapters that a version needs for a shape: versions with one key see the same text. */
export function adapterKey(shape: ShapeName, version: ApiVersion): string {
  return RESPONSES.filter((adapter) => adapter.shape === shape && minorOf(adapter.since) > version)
    .map((adapter) => adapter.since)
    .join(',');
}
