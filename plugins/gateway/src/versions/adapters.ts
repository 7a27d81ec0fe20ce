import type { JsonObject } from '../wire/json.ts';
import type { ShapeName } from './adapter.ts';
import { REQUESTS } from './requests.ts';
import { RESPONSES } from './responses.ts';
import { type ApiVersion, minorOf } from './version.ts';

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

export type { Adapter, ShapeName } from './adapter.ts';
