import { randomBytes } from 'node:crypto';
import { Journal, type JournalOptions, type JournalRecord, type Logger, monotonicMs } from '@cleat/core';
import { wallClockNs as now } from '@cleat/core/deadlines';
import { EventIndex, KillPoint } from '@cleat/core/journal';
import { CleatError, type Codec, type journal, SchemaBook } from '@cleat/schemas';
import type { Container, Definition, Progress } from './container.ts';
import type { EventDraft } from './event-draft.ts';
import { NameIndex } from './names.ts';
import { Owed } from './owed.ts';

const ANSWERS_KEPT_NS = 600_000_000_000n;
const TOMBSTONES = 4096;
const RECENT_EVENTS = 1024;

export interface KernelStoreOptions {
  readonly dir: string;
  readonly log: Logger;
  readonly fault?: string | undefined;
  readonly journal?: Partial<JournalOptions>;
}

interface Codecs {
  readonly container: Codec<journal.ContainerRecord, journal.ContainerRecordInput>;
  readonly progress: Codec<journal.ProgressRecord, journal.ProgressRecordInput>;
  readonly removed: Codec<journal.ContainerRemoved, journal.ContainerRemovedInput>;
  readonly owed: Codec<journal.OwedRecord, journal.OwedRecordInput>;
  readonly stream: Codec<journal.StreamRecord, journal.StreamRecordInput>;
  readonly plugin: Codec<journal.PluginRecord, journal.PluginRecordInput>;
  readonly pluginEvent: Codec<journal.PluginEventRecord, journal.PluginEventRecordInput>;
  readonly consumer: Codec<journal.ConsumerRecord, journal.ConsumerRecordInput>;
  readonly answer: Codec<journal.AnswerRecord, journal.AnswerRecordInput>;
  readonly node: Codec<journal.NodeRecord, journal.NodeRecordInput>;
}

function codecs(book: SchemaBook): Codecs {
  const of = <T, In>(name: string): Codec<T, In> => book.record<T, In>('journal', `cleat.journal.v1.${name}`);
  return {
    container: of('ContainerRecord'),
    progress: of('ProgressRecord'),
    removed: of('ContainerRemoved'),
    owed: of('OwedRecord'),
    stream: of('StreamRecord'),
    plugin: of('PluginRecord'),
    pluginEvent: of('PluginEventRecord'),
    consumer: of('ConsumerRecord'),
    answer: of('AnswerRecord'),
    node: of('NodeRecord'),
  };
}

/** A state of the kernel that changed since a revision. */
export interface Changes {
  readonly revision: number;
  readonly isFull: boolean;
  readonly containers: readonly Container[];
  readonly removed: readonly string[];
}

/**
 * All that the kernel knows, and the journal that it is written to. A change and its events are one record. Nothing here
 * waits but `sync`; whoever changes something writes it before acting on it.
 */
export class KernelStore {
  readonly containers: Map<string, Container> = new Map();
  readonly names: NameIndex = new NameIndex(this.containers);
  readonly owed: Owed = new Owed();
  readonly plugins: Map<string, string> = new Map();
  readonly consumers: Map<string, string> = new Map();
  /** Highest number of the events of each plugin's store. */
  readonly pluginEvents: Map<string, number> = new Map();
  readonly answers: Map<string, journal.AnswerRecord> = new Map();
  /** Of this start of the kernel. */
  readonly incarnation: string = randomBytes(8).toString('hex');
  readonly book: SchemaBook = new SchemaBook();
  nodeId = '';
  stream: journal.StreamRecord | undefined;
  readonly #codecs: Codecs = codecs(this.book);
  readonly #fault: KillPoint | undefined;
  readonly #log: Logger;
  readonly #listeners = new Set<() => void>();
  readonly #removed: { readonly id: string; readonly revision: number }[] = [];
  #recent: journal.OutboxEvent[] = [];
  #index = new EventIndex();
  #journal: Journal | undefined;
  #revision = 1;
  #sequence = 0;
  #synced = 0;
  #rotating = false;

  private constructor(options: KernelStoreOptions) {
    this.#log = options.log;
    this.#fault = options.fault === undefined || options.fault === '' ? undefined : new KillPoint(options.fault);
  }

  /** Opens the store of a state directory. Throws `conflict` JOURNAL_LOCKED, `internal` JOURNAL_CORRUPT, JOURNAL_SCHEMA_UNKNOWN. */
  static open(options: KernelStoreOptions): KernelStore {
    const store = new KernelStore(options);
    store.#journal = Journal.open({ dir: options.dir, ...options.journal, replay: (record) => store.#replay(record) });
    store.#synced = store.#sequence;
    if (store.#journal.tornTail !== undefined)
      options.log.warn('the journal ended in a record that was cut off', { ...store.#journal.tornTail });
    return store;
  }

  /** Number of the newest event. */
  get newest(): number {
    return this.#sequence;
  }

  /** Number of the newest event that power loss cannot take. */
  get newestSynced(): number {
    return this.#synced;
  }

  get oldest(): number {
    return this.#index.oldest(this.#opened.firstRetainedPosition);
  }

  get #opened(): Journal {
    if (this.#journal === undefined) throw new CleatError('internal', 'STORE_NOT_OPEN', 'the store is not open');
    return this.#journal;
  }

  /** The container of an id, name or prefix. Throws `not_found`. */
  find(reference: string): Container {
    return this.get(this.names.resolve(reference));
  }

  /** The container of an id. Throws `not_found`: it may have been removed while somebody waited. */
  get(id: string): Container {
    const found = this.containers.get(id);
    if (found === undefined) throw new CleatError('not_found', 'CONTAINER_NOT_FOUND', `No such container: ${id}`);
    return found;
  }

  /** Called after events have become durable. */
  onEvents(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Writes a container with its definition. */
  define(step: string, definition: Definition, progress: Progress, drafts: readonly EventDraft[] = []): Container {
    const [numbered, events] = this.#number(progress, drafts);
    const stepped = { ...numbered, step };
    this.#write(step, this.#codecs.container, { step, definition, progress: stepped, events }, events);
    return this.#put({ definition, progress: stepped, changedAt: 0 });
  }

  /** Writes a step of a container: what is true from now on, and the events that say so. */
  step(id: string, step: string, progress: Progress, drafts: readonly EventDraft[] = [], critical = false): Container {
    const current = this.get(id);
    const [numbered, events] = this.#number(progress, drafts);
    const stepped = { ...numbered, step };
    this.#write(step, this.#codecs.progress, { container: id, step, progress: stepped, events }, events, critical);
    return this.#put({ definition: current.definition, progress: stepped, changedAt: 0 });
  }

  /** Forgets a container. */
  drop(id: string, step: string, drafts: readonly EventDraft[] = []): void {
    const current = this.get(id);
    const [, events] = this.#number(current.progress, drafts);
    this.#write(step, this.#codecs.removed, { container: id, events }, events);
    this.#forget(current);
  }

  writeOwed(record: journal.OwedRecord): void {
    this.#write(record.settled ? 'owed.settled' : 'owed', this.#codecs.owed, record);
    this.owed.apply(record);
  }

  writeStream(record: journal.StreamRecord): void {
    this.#write('stream', this.#codecs.stream, record);
    this.stream = record;
  }

  writePlugin(name: string, data: string | undefined, drafts: readonly EventDraft[] = []): void {
    const events = this.#outbox(drafts, 0);
    this.#write('plugin', this.#codecs.plugin, { name, data: data ?? '', removed: data === undefined, events }, events);
    if (data === undefined) this.plugins.delete(name);
    else this.plugins.set(name, data);
  }

  writeConsumer(name: string, data: string | undefined): void {
    this.#write('consumer', this.#codecs.consumer, { name, data: data ?? '', removed: data === undefined });
    if (data === undefined) this.consumers.delete(name);
    else this.consumers.set(name, data);
  }

  /** An event that a plugin numbered: written once, whatever how often it comes. */
  writePluginEvent(plugin: string, store: string, number: number, draft: EventDraft): void {
    const key = `${plugin} ${store}`;
    if (number <= (this.pluginEvents.get(key) ?? 0)) return;
    const events = this.#outbox([draft], 0);
    this.#write('plugin.event', this.#codecs.pluginEvent, { plugin, store, number, events }, events);
    this.pluginEvents.set(key, number);
  }

  writeNode(what: string, data: string, drafts: readonly EventDraft[] = []): void {
    const events = this.#outbox(drafts, 0);
    this.#write(`node.${what}`, this.#codecs.node, { what, data, events }, events);
    if (what === 'identity') this.nodeId = data;
  }

  /** The answer of an operation that changed something, so that its repetition after a crash is answered alike. */
  writeAnswer(record: journal.AnswerRecord): void {
    this.#write('answer', this.#codecs.answer, record);
    this.answers.set(`${record.caller} ${record.operation}`, record);
  }

  /** Resolves when everything written so far survives loss of power; then its events go out. */
  async sync(): Promise<void> {
    const upTo = this.#sequence;
    await this.#opened.sync();
    if (upTo > this.#synced) {
      this.#synced = upTo;
      for (const listener of this.#listeners) listener();
    }
    if (this.#opened.needsRotation && !this.#rotating) void this.#rotate();
  }

  /** What changed after a revision of this incarnation. */
  changesSince(revision: number, incarnation: string): Changes {
    const oldest = this.#removed[0]?.revision ?? 0;
    const isFull = incarnation !== this.incarnation || revision <= 0 || (this.#removed.length >= TOMBSTONES && revision < oldest);
    const containers = [...this.containers.values()].filter((known) => isFull || known.changedAt > revision);
    const removed = isFull ? [] : this.#removed.filter((tomb) => tomb.revision > revision).map(({ id }) => id);
    return { revision: this.#revision, isFull, containers, removed };
  }

  /** Durable events after a sequence, oldest first, at most `limit`. */
  async eventsAfter(sequence: number, limit: number): Promise<readonly journal.OutboxEvent[]> {
    const first = this.#recent[0];
    if (first !== undefined && first.sequence <= sequence + 1) {
      // Their sequences have no hole.
      const from = sequence + 1 - first.sequence;
      return this.#recent.slice(from, from + Math.min(limit, Math.max(0, this.#synced - sequence)));
    }
    return this.#readEvents(sequence, limit);
  }

  /** Sequence after which all events of a time and later lie. */
  sequenceBefore(timeMs: number): number {
    return this.#index.sequenceBefore(timeMs);
  }

  /** The journal may drop records whose events are all published. */
  published(sequence: number): void {
    const position = this.#index.positionAfter(sequence, this.#opened.firstRetainedPosition);
    this.#opened.keepFrom(position);
  }

  async close(): Promise<void> {
    await this.#journal?.sync();
    await this.#journal?.close();
  }

  async #readEvents(sequence: number, limit: number): Promise<readonly journal.OutboxEvent[]> {
    const events: journal.OutboxEvent[] = [];
    const from = this.#index.positionAfter(sequence, this.#opened.firstRetainedPosition);
    for await (const record of this.#opened.read(from)) {
      for (const found of this.#eventsOf(record)) if (found.sequence > sequence && found.sequence <= this.#synced) events.push(found);
      if (events.length >= limit) break;
    }
    return events.slice(0, limit);
  }

  #number(progress: Progress, drafts: readonly EventDraft[]): readonly [Progress, readonly journal.OutboxEvent[]] {
    const events = this.#outbox(drafts, progress.objectSequence);
    const own = drafts.filter((draft) => draft.ofContainer !== undefined).length;
    return [{ ...progress, objectSequence: progress.objectSequence + own }, events];
  }

  #outbox(drafts: readonly EventDraft[], objectSequence: number): readonly journal.OutboxEvent[] {
    let own = objectSequence;
    const time = now();
    return drafts.map(({ type, subject, schema, data, ofContainer }) => ({
      sequence: ++this.#sequence,
      type,
      subject,
      objectSequence: ofContainer === undefined ? 0 : ++own,
      time,
      schema,
      data,
    }));
  }

  #write<T, In>(step: string, codec: Codec<T, In>, value: In, events: readonly journal.OutboxEvent[] = [], critical = false): void {
    this.#fault?.reach('before', step);
    let position: number;
    try {
      position = this.#opened.write(codec.fingerprint, codec.encode(value), { critical });
    } catch (error) {
      this.#sequence -= events.length;
      throw error;
    }
    this.#note(events, position);
    // The steps of a run and their times, for whoever looks where the time goes.
    if (this.#log.isEnabled('debug')) this.#log.debug('record', { step, position, atMs: monotonicMs() });
    this.#fault?.reach('after', step);
  }

  #note(events: readonly journal.OutboxEvent[], position: number): void {
    for (const made of events) {
      this.#index.note(made.sequence, position, Number(made.time / 1_000_000n));
      this.#recent.push(made);
    }
    if (this.#recent.length > RECENT_EVENTS * 2) this.#recent = this.#recent.slice(-RECENT_EVENTS);
  }

  #put(container: Container): Container {
    const stored = { ...container, changedAt: ++this.#revision };
    this.containers.set(stored.definition.id, stored);
    return stored;
  }

  #forget(container: Container): void {
    const { id, name } = container.definition;
    this.containers.delete(id);
    this.names.free(name, id);
    this.#removed.push({ id, revision: ++this.#revision });
    if (this.#removed.length > TOMBSTONES) this.#removed.splice(0, this.#removed.length - TOMBSTONES);
  }

  #eventsOf(record: JournalRecord): readonly journal.OutboxEvent[] {
    const { container, progress, removed, plugin, pluginEvent, node } = this.#codecs;
    const codec = [container, progress, removed, plugin, pluginEvent, node].find((known) => known.fingerprint === record.schema);
    return record.type === 'record' && codec !== undefined ? codec.decode(record.payload).events : [];
  }

  #replay(record: JournalRecord): void {
    const { container, progress, removed, owed, stream, plugin, pluginEvent, consumer, answer, node } = this.#codecs;
    const { schema, payload } = record;
    if (schema === progress.fingerprint) this.#replayProgress(progress.decode(payload), record);
    else if (schema === container.fingerprint) this.#replayContainer(container.decode(payload), record);
    else if (schema === removed.fingerprint) this.#replayRemoved(removed.decode(payload), record);
    else if (schema === owed.fingerprint) this.owed.apply(owed.decode(payload));
    else if (schema === stream.fingerprint) this.stream = stream.decode(payload);
    else if (schema === plugin.fingerprint) this.#replayPlugin(plugin.decode(payload), record);
    else if (schema === pluginEvent.fingerprint) {
      const value = pluginEvent.decode(payload);
      this.pluginEvents.set(`${value.plugin} ${value.store}`, value.number);
      this.#replayEvents(value.events, record);
    } else if (schema === consumer.fingerprint) {
      const value = consumer.decode(payload);
      if (value.removed) this.consumers.delete(value.name);
      else this.consumers.set(value.name, value.data);
    } else if (schema === answer.fingerprint) {
      const value = answer.decode(payload);
      this.answers.set(`${value.caller} ${value.operation}`, value);
    } else if (schema === node.fingerprint) this.#replayNode(node.decode(payload), record);
    else throw unreadable(record);
  }

  #replayProgress(value: journal.ProgressRecord, record: JournalRecord): void {
    const current = this.containers.get(value.container);
    if (current !== undefined) this.#put({ ...current, progress: value.progress });
    this.#replayEvents(value.events, record);
  }

  #replayContainer(value: journal.ContainerRecord, record: JournalRecord): void {
    const { id, name } = value.definition;
    const before = this.containers.get(id);
    if (before !== undefined) this.names.free(before.definition.name, id);
    this.names.take(name, id);
    this.#put({ definition: value.definition, progress: value.progress, changedAt: 0 });
    this.#replayEvents(value.events, record);
  }

  #replayRemoved(value: journal.ContainerRemoved, record: JournalRecord): void {
    const current = this.containers.get(value.container);
    if (current !== undefined) this.#forget(current);
    this.#replayEvents(value.events, record);
  }

  #replayPlugin(value: journal.PluginRecord, record: JournalRecord): void {
    if (value.removed) this.plugins.delete(value.name);
    else this.plugins.set(value.name, value.data);
    this.#replayEvents(value.events, record);
  }

  #replayNode(value: journal.NodeRecord, record: JournalRecord): void {
    if (value.what === 'identity') this.nodeId = value.data;
    if (value.what === 'events') {
      const { newest, marks } = JSON.parse(value.data) as {
        newest: number;
        marks: { sequence: number; position: number; timeMs: number }[];
      };
      this.#index = new EventIndex(marks, newest);
      this.#sequence = Math.max(this.#sequence, newest);
    }
    this.#replayEvents(value.events, record);
  }

  #replayEvents(events: readonly journal.OutboxEvent[], record: JournalRecord): void {
    if (record.type !== 'record') return;
    for (const made of events) this.#sequence = Math.max(this.#sequence, made.sequence);
    this.#note(events, record.position);
  }

  async #rotate(): Promise<void> {
    this.#rotating = true;
    try {
      await this.#opened.rotate(this.#snapshot());
    } catch (error) {
      this.#log.error('the journal could not be rotated', { error });
    } finally {
      this.#rotating = false;
    }
  }

  /** The state as it is at this call: it is written while further records are. */
  #snapshot(): Iterable<{ schema: string; payload: Uint8Array }> {
    const { container, owed, stream, plugin, pluginEvent, consumer, answer, node } = this.#codecs;
    const items: (() => { schema: string; payload: Uint8Array })[] = [];
    const add = <T, In>(codec: Codec<T, In>, value: In): void =>
      void items.push(() => ({ schema: codec.fingerprint, payload: codec.encode(value) }));
    add(node, { what: 'identity', data: this.nodeId });
    const marks = [...this.#index.marks(this.#opened.firstRetainedPosition)];
    add(node, { what: 'events', data: JSON.stringify({ newest: this.#sequence, marks }) });
    if (this.stream !== undefined) add(stream, this.stream);
    for (const [name, data] of this.plugins) add(plugin, { name, data });
    for (const [name, data] of this.consumers) add(consumer, { name, data });
    for (const [key, number] of this.pluginEvents) {
      const [name = '', store = ''] = key.split(' ');
      add(pluginEvent, { plugin: name, store, number });
    }
    for (const record of this.owed.all()) add(owed, record);
    const oldest = now() - ANSWERS_KEPT_NS;
    for (const [key, record] of this.answers) {
      if (record.at < oldest) this.answers.delete(key);
      else add(answer, record);
    }
    for (const { definition, progress } of this.containers.values()) add(container, { step: progress.step, definition, progress });
    return lazily(items);
  }
}

function* lazily<T>(items: readonly (() => T)[]): Generator<T, void, undefined> {
  for (const make of items) yield make();
}

function unreadable(record: JournalRecord): CleatError {
  return new CleatError(
    'internal',
    'JOURNAL_SCHEMA_UNKNOWN',
    `the journal has a record of the schema ${record.schema}, which this version cannot read`,
    {
      hint: 'The state directory was written by a newer version of Cleat: install that version again.',
      details: { schema: record.schema, position: String(record.position) },
    },
  );
}
