import { join } from 'node:path';
import { CleatError } from '@cleat/schemas';
import { chainIds, type Digest, isDigest } from './digest.ts';
import { readTextIfExists, writeDurable } from './durable.ts';
import { asArray, asObject, asText, asTextMap, asTexts, JsonShapeError } from './json.ts';
import { Serial } from './serial.ts';

/** What lists need to know of an image without reading its configuration. */
export interface ImageRecord {
  readonly id: Digest;
  readonly diffIds: readonly Digest[];
  /** The layers that these name, lowest first; not written down, since they follow. */
  readonly chains: readonly Digest[];
  /** RFC 3339 as the configuration has it, or empty. */
  readonly created: string;
  readonly labels: ReadonlyMap<string, string>;
  /** When it was last tagged here, RFC 3339; empty for never. */
  readonly taggedAt: string;
}

export const EVENT_TYPES = ['image.imported', 'image.loaded', 'image.saved', 'image.tagged', 'image.untagged', 'image.deleted'] as const;

/** On whose behalf, and through whom, something was done. */
export interface Actor {
  readonly principal: string;
  readonly caller: string;
  readonly operation: string;
}

/** Something that happened to an image. */
export interface ImageEvent {
  /** Its own, so that it is one event however often it is handed on. */
  readonly key: string;
  readonly type: (typeof EVENT_TYPES)[number];
  readonly id: Digest;
  /** The name that it happened to, or the id. */
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** On whose behalf; undefined: the plugin's own. */
  readonly actor: Actor | undefined;
}

/** Which images there are and which names they have. */
export interface IndexView {
  readonly images: ReadonlyMap<Digest, ImageRecord>;
  /** Canonical name:tag or name@digest to image. */
  readonly references: ReadonlyMap<string, Digest>;
}

/** A state of the index while it is being changed. */
export interface IndexState extends IndexView {
  readonly images: Map<Digest, ImageRecord>;
  readonly references: Map<string, Digest>;
  /** What the changes so far made known, and what is not handed on yet: in one write with the change that it tells of. */
  readonly events: ImageEvent[];
}

const VERSION = 1;
const FILE = 'images.json';

/** The images of a node and their names: one file, replaced as a whole, so that a change is there or not. */
export class ImageIndex implements IndexView {
  readonly #path: string;
  readonly #changes = new Serial();
  #state: IndexState = { images: new Map(), references: new Map(), events: [] };
  #chains: ReadonlySet<Digest> | undefined;

  constructor(directory: string) {
    this.#path = join(directory, FILE);
  }

  /** Errors: IMAGE_INDEX_CORRUPT. */
  async open(): Promise<void> {
    const text = await readTextIfExists(this.#path);
    if (text !== undefined) this.#state = decode(text, this.#path);
  }

  get images(): ReadonlyMap<Digest, ImageRecord> {
    return this.#state.images;
  }

  get references(): ReadonlyMap<string, Digest> {
    return this.#state.references;
  }

  /** Events that are not handed on yet, oldest first. */
  get events(): readonly ImageEvent[] {
    return this.#state.events;
  }

  /** Every layer that an image consists of. */
  get chains(): ReadonlySet<Digest> {
    this.#chains ??= new Set([...this.#state.images.values()].flatMap((record) => record.chains));
    return this.#chains;
  }

  /** Applies a change to a copy and makes it durable; what `change` throws leaves all as it was. Changes never overlap. */
  async change<T>(change: (draft: IndexState) => T): Promise<T> {
    return this.#changes.run(async () => {
      const { images, references, events } = this.#state;
      const draft: IndexState = { images: new Map(images), references: new Map(references), events: [...events] };
      const result = change(draft);
      const text = encode(draft);
      if (text !== encode(this.#state)) await writeDurable(this.#path, text);
      this.#state = draft;
      this.#chains = undefined;
      return result;
    });
  }
}

function encode(state: IndexState): string {
  return JSON.stringify({
    version: VERSION,
    images: [...state.images.values()].map(({ chains: _follows, ...record }) => ({ ...record, labels: Object.fromEntries(record.labels) })),
    references: Object.fromEntries(state.references),
    events: state.events.map((event) => ({ ...event, labels: Object.fromEntries(event.labels) })),
  });
}

function decode(text: string, path: string): IndexState {
  try {
    const root = asObject(JSON.parse(text), 'the index');
    if (root['version'] !== VERSION) throw newer(path);
    const records = asArray(root['images'], 'images').map(decodeRecord);
    const references = [...asTextMap(root['references'], 'references')];
    return {
      images: new Map(records.map((record) => [record.id, record])),
      references: new Map(references.map(([name, id]) => [name, digest(id)])),
      events: asArray(root['events'], 'events').map(decodeEvent),
    };
  } catch (error) {
    if (!(error instanceof JsonShapeError || error instanceof SyntaxError)) throw error;
    throw new CleatError('internal', 'IMAGE_INDEX_CORRUPT', `${path} cannot be read: ${error.message}`, {
      hint: 'Restore the file from a backup, or move the image store away to begin with an empty one.',
      cause: error,
    });
  }
}

function newer(path: string): CleatError {
  return new CleatError('internal', 'IMAGE_INDEX_VERSION', `${path} was written by another version of Cleat, which this one cannot read`, {
    hint: 'Install the version of Cleat that wrote it, or a newer one.',
  });
}

function digest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new JsonShapeError(`${JSON.stringify(text)} is no digest`);
}

function decodeRecord(value: unknown): ImageRecord {
  const record = asObject(value, 'an image');
  const diffIds = asTexts(record['diffIds'], 'diffIds').map(digest);
  return {
    id: digest(asText(record['id'], 'id')),
    diffIds,
    chains: chainIds(diffIds),
    created: asText(record['created'], 'created'),
    labels: asTextMap(record['labels'], 'labels'),
    taggedAt: asText(record['taggedAt'], 'taggedAt'),
  };
}

function decodeEvent(value: unknown): ImageEvent {
  const event = asObject(value, 'an event');
  const type = EVENT_TYPES.find((known) => known === event['type']);
  if (type === undefined) throw new JsonShapeError('an event has an unknown type');
  return {
    key: asText(event['key'], 'key'),
    type,
    id: digest(asText(event['id'], 'id')),
    name: asText(event['name'], 'name'),
    labels: asTextMap(event['labels'], 'labels'),
    actor: event['actor'] === undefined ? undefined : decodeActor(event['actor']),
  };
}

function decodeActor(value: unknown): Actor {
  const actor = asObject(value, 'an actor');
  const text = (key: string): string => asText(actor[key], key);
  return { principal: text('principal'), caller: text('caller'), operation: text('operation') };
}
