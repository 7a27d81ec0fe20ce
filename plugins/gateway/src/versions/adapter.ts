import type { JsonObject } from '../wire/json.ts';

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
