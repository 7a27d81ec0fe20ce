import { CleatError, type providerTypes } from '@cleat/schemas';
import { type Telling, type UntoldEvent, UntoldEvents, untoldEvent } from '@cleat/sdk';
import type { Hold, Volume } from './volume.ts';

/** What is used of the SDK's journal. */
export interface StoreJournal {
  readonly needsRotation: boolean;
  write(schema: string, payload: Uint8Array): number;
  sync(): Promise<number>;
  rotate(items: Iterable<StoredRecord>): Promise<void>;
}

export interface StoredRecord {
  readonly schema: string;
  readonly payload: Uint8Array;
}

/** Opens the journal and hands its records over, oldest first. */
export type OpenJournal = (replay: (record: StoredRecord) => void) => Promise<StoreJournal>;

/** Names the format of the records below; one that changes its meaning gets another. */
const FORMAT = '766f6c756d657301';

type Change =
  | { readonly type: 'volume'; readonly volume: Volume; readonly untold?: UntoldEvent | undefined }
  | { readonly type: 'volume-removed'; readonly name: string; readonly untold?: UntoldEvent | undefined }
  | { readonly type: 'hold'; readonly hold: Hold; readonly untold?: UntoldEvent | undefined }
  | { readonly type: 'hold-removed'; readonly object: string }
  | { readonly type: 'untold'; readonly untold: UntoldEvent }
  | { readonly type: 'told'; readonly key: string };

/** Volumes and the claims on them, in memory and in a journal. A change is written before its method returns. */
export class VolumeStore {
  readonly #volumes = new Map<string, Volume>();
  readonly #holds = new Map<string, Hold>();
  readonly #untold = new UntoldEvents();
  #journal: StoreJournal | undefined;
  #rotation: Promise<void> | undefined;

  static async open(openJournal: OpenJournal): Promise<VolumeStore> {
    const store = new VolumeStore();
    store.#journal = await openJournal((record) => store.#replay(record));
    return store;
  }

  volumes(): readonly Volume[] {
    return [...this.#volumes.values()];
  }

  volume(name: string): Volume | undefined {
    return this.#volumes.get(name);
  }

  holds(): readonly Hold[] {
    return [...this.#holds.values()];
  }

  hold(object: string): Hold | undefined {
    return this.#holds.get(object);
  }

  holdsOf(volume: string): readonly Hold[] {
    return this.holds().filter((hold) => hold.volume === volume);
  }

  /** How many claims each volume has, for lists. */
  referenceCounts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { volume } of this.#holds.values()) counts.set(volume, (counts.get(volume) ?? 0) + 1);
    return counts;
  }

  putVolume(volume: Volume, event?: providerTypes.EventInput): void {
    this.#write({ type: 'volume', volume, untold: event && untoldEvent(event) });
  }

  removeVolume(name: string, event?: providerTypes.EventInput): void {
    if (this.#volumes.has(name)) this.#write({ type: 'volume-removed', name, untold: event && untoldEvent(event) });
  }

  putHold(hold: Hold, event?: providerTypes.EventInput): void {
    this.#write({ type: 'hold', hold, untold: event && untoldEvent(event) });
  }

  removeHold(object: string): void {
    if (this.#holds.has(object)) this.#write({ type: 'hold-removed', object });
  }

  /** Publishes the events that are not known to have been published, in order. A failure is made up for by the next call. */
  tell(how: Omit<Telling, 'told'>): Promise<void> {
    return this.#untold.tell({ ...how, told: (key) => this.#write({ type: 'told', key }) });
  }

  /** Resolves when every change made so far survives a loss of power. */
  async sync(): Promise<void> {
    await this.#journal?.sync();
  }

  /** Waits for a rotation; the journal itself belongs to whoever opened it. */
  async settle(): Promise<void> {
    await this.#rotation;
  }

  #write(change: Change): void {
    this.#journal?.write(FORMAT, Buffer.from(JSON.stringify(change)));
    this.#apply(change);
    if (this.#journal?.needsRotation === true && this.#rotation === undefined) this.#rotate(this.#journal);
  }

  #apply(change: Change): void {
    switch (change.type) {
      case 'volume':
        this.#volumes.set(change.volume.name, change.volume);
        this.#untold.add(change.untold);
        return;
      case 'volume-removed':
        this.#volumes.delete(change.name);
        this.#untold.add(change.untold);
        return;
      case 'hold':
        this.#holds.set(change.hold.object, change.hold);
        this.#untold.add(change.untold);
        return;
      case 'hold-removed':
        this.#holds.delete(change.object);
        return;
      case 'untold':
        this.#untold.add(change.untold);
        return;
      case 'told':
        this.#untold.drop(change.key);
        return;
    }
  }

  #replay(record: StoredRecord): void {
    if (record.schema !== FORMAT) {
      throw new CleatError(
        'internal',
        'VOLUME_STORE_UNKNOWN',
        `the storage plugin's store has a record of an unknown format ${record.schema}`,
        { hint: 'It was written by a newer version of the plugin; install that one again.' },
      );
    }
    const change: unknown = JSON.parse(Buffer.from(record.payload).toString('utf8'));
    if (!isChange(change)) {
      throw new CleatError('internal', 'VOLUME_STORE_DAMAGED', "the storage plugin's store has a record that is none of its own");
    }
    this.#apply(change);
  }

  #rotate(journal: StoreJournal): void {
    const items: Change[] = [
      ...this.volumes().map((volume) => ({ type: 'volume', volume }) as const),
      ...this.holds().map((hold) => ({ type: 'hold', hold }) as const),
      ...this.#untold.all.map((untold) => ({ type: 'untold', untold }) as const),
    ];
    // A rotation that fails leaves the journal as it is; the next write tries again.
    this.#rotation = journal
      .rotate(items.map((change) => ({ schema: FORMAT, payload: Buffer.from(JSON.stringify(change)) })))
      .catch(() => undefined)
      .then(() => {
        this.#rotation = undefined;
      });
  }
}

/** The journal's checksum vouches for the content, the format's name for its shape. */
function isChange(value: unknown): value is Change {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
