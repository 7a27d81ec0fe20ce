import { CleatError } from '@cleat/schemas';
import type { Deadline } from '../deadlines/index.ts';
import type { BusConnection } from './connection.ts';
import { EVENT_STREAM, EVENT_SUBJECT, isEventSubject, LIVE_PREFIX } from './event-subjects.ts';
import { type JetStreamAnswer, JetStreamCode, jetStreamError, jetStreamRequest, numberOr, objectIn } from './jetstream-api.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';
import { type BatchAcks, type StreamRecord, sendBatch } from './stream-publisher.ts';
import { checkToken } from './subjects.ts';

export interface StreamState {
  /** Another one means that the stream was made anew: its sequences began at 1 again. */
  readonly incarnation: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly messages: number;
}

/** What became of a batch. Only `stored` means all of it; after the others the state says where to go on. */
export type PublishOutcome =
  | { readonly type: 'stored'; readonly lastSequence: number }
  /** The first `stored` records are in the stream and the others are not; the stream stands at `state.lastSequence`. */
  | { readonly type: 'partial'; readonly stored: number; readonly state: StreamState; readonly reason: string }
  /** The stream does not end where the batch was to begin: it lost records, has others, or was made anew. */
  | { readonly type: 'diverged'; readonly state: StreamState }
  | { readonly type: 'gone' };

export interface ConsumerState {
  /** The highest sequence up to which everything is acknowledged. */
  readonly acknowledgedSequence: number;
  readonly deliveredSequence: number;
  /** Not yet delivered. */
  readonly pending: number;
  /** Delivered, not yet acknowledged. */
  readonly unacknowledged: number;
  readonly filter: string;
}

/** The kernel's side of the event stream: mechanism only. What is in it, from where and for how long is its owner's affair. */
export class EventStream {
  readonly #connection: BusConnection;

  /** The connection is the kernel's exporting one. */
  constructor(connection: BusConnection) {
    this.#connection = connection;
  }

  /** Makes the stream, or gives an existing one these bounds. */
  async ensure(options: { readonly maxMessages: number }, deadline: Deadline): Promise<StreamState> {
    const config = streamConfig(options.maxMessages);
    const verb = (await this.state(deadline)) === undefined ? 'CREATE' : 'UPDATE';
    const answer = await this.#ask(`STREAM.${verb}.${EVENT_STREAM}`, config, deadline);
    if (answer.type === 'answer') return stateOf(answer.value);
    throw jetStreamError('the event stream cannot be made', answer.failure);
  }

  /** Undefined when there is no stream. */
  async state(deadline: Deadline): Promise<StreamState | undefined> {
    const answer = await this.#ask(`STREAM.INFO.${EVENT_STREAM}`, undefined, deadline);
    return optional(answer, JetStreamCode.streamMissing, 'the event stream cannot be read', stateOf);
  }

  /**
   * Stores records behind sequence `after`, in order, each exactly once, also when it is called again after a failure. Throws
   * when it cannot be known what is stored: `unavailable` `BUS_DOWN`, `deadline_exceeded`. The next call finds out.
   */
  async publishBatch(
    records: readonly StreamRecord[],
    options: { readonly after: number; readonly deadline: Deadline },
  ): Promise<PublishOutcome> {
    for (const { subject } of records) {
      if (!isEventSubject(subject)) {
        throw new CleatError('invalid_argument', 'BUS_SUBJECT_INVALID', `${subject} is not the subject of an event`);
      }
    }
    const { after, deadline } = options;
    const acks = await sendBatch(this.#connection, records, after, deadline.fraction(0.6));
    if (acks.isGone) return { type: 'gone' };
    if (acks.isComplete && acks.lastSequence === after + records.length) {
      return { type: 'stored', lastSequence: acks.lastSequence };
    }
    return this.#outcome(records.length, after, acks, deadline);
  }

  /** Removes everything up to and including `sequence`. */
  async trimTo(sequence: number, deadline: Deadline): Promise<void> {
    const answer = await this.#ask(`STREAM.PURGE.${EVENT_STREAM}`, { seq: sequence + 1 }, deadline);
    if (answer.type === 'failure') throw jetStreamError('the event stream cannot be trimmed', answer.failure);
  }

  /** Ends the stream with all its consumers; one that is gone already is no error. */
  async delete(deadline: Deadline): Promise<void> {
    const answer = await this.#ask(`STREAM.DELETE.${EVENT_STREAM}`, undefined, deadline);
    optional(answer, JetStreamCode.streamMissing, 'the event stream cannot be removed', () => true);
  }

  /**
   * Makes a durable consumer that its account alone can pull from: `name` is the importing account's key. `conflict`
   * `BUS_CONSUMER_EXISTS` when one of that name stands elsewhere.
   */
  async createConsumer(
    options: { readonly name: string; readonly filter: string; readonly after: number },
    deadline: Deadline,
  ): Promise<ConsumerState> {
    const { name, filter, after } = options;
    // Asked for first: some servers change an existing one in place, others refuse, depending on what differs.
    if ((await this.consumer(name, deadline)) !== undefined) {
      throw new CleatError('conflict', 'BUS_CONSUMER_EXISTS', `the consumer ${name} exists already`);
    }
    const config = {
      durable_name: name,
      filter_subject: filter,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: after + 1,
      // One acknowledgement stands for all before it, as one who follows a sequence means it.
      ack_policy: 'all',
      ack_wait: 30_000_000_000,
      max_ack_pending: 1_024,
      max_waiting: 8,
      replay_policy: 'instant',
    };
    const body = { stream_name: EVENT_STREAM, config };
    const answer = await this.#ask(`CONSUMER.DURABLE.CREATE.${EVENT_STREAM}.${name}`, body, deadline);
    if (answer.type === 'answer') return consumerOf(answer.value);
    throw jetStreamError(`the consumer ${name} cannot be made`, answer.failure);
  }

  /** False when there was none. Who pulls from it is told by a 409. */
  async deleteConsumer(name: string, deadline: Deadline): Promise<boolean> {
    checkToken(name, 'consumer name');
    const answer = await this.#ask(`CONSUMER.DELETE.${EVENT_STREAM}.${name}`, undefined, deadline);
    return this.#ofConsumer(answer, name, () => true) ?? false;
  }

  /** Undefined when there is none. */
  async consumer(name: string, deadline: Deadline): Promise<ConsumerState | undefined> {
    checkToken(name, 'consumer name');
    const answer = await this.#ask(`CONSUMER.INFO.${EVENT_STREAM}.${name}`, undefined, deadline);
    return this.#ofConsumer(answer, name, consumerOf);
  }

  /** The names of all consumers; empty also when there is no stream. */
  async consumerNames(deadline: Deadline): Promise<readonly string[]> {
    const names: string[] = [];
    for (;;) {
      const answer = await this.#ask(`CONSUMER.NAMES.${EVENT_STREAM}`, { offset: names.length }, deadline);
      const page = optional(answer, JetStreamCode.streamMissing, 'the consumers cannot be listed', (value) => value);
      if (page === undefined) return names;
      const listed: unknown = page['consumers'];
      if (!Array.isArray(listed) || listed.length === 0) return names;
      names.push(...listed.map(String));
      if (names.length >= numberOr(page['total'], 0)) return names;
    }
  }

  async #outcome(count: number, after: number, acks: BatchAcks, deadline: Deadline): Promise<PublishOutcome> {
    const state = await this.state(deadline);
    if (state === undefined) return { type: 'gone' };
    const stored = state.lastSequence - after;
    // Its only writer is the kernel, so what lies behind `after` is of this batch, or of an earlier try of the same records.
    if (stored < 0 || stored > count) return { type: 'diverged', state };
    if (stored === count) return { type: 'stored', lastSequence: state.lastSequence };
    return { type: 'partial', stored, state, reason: acks.failure?.description ?? 'not all was acknowledged in time' };
  }

  #ofConsumer<T>(answer: JetStreamAnswer, name: string, read: (value: Readonly<Record<string, unknown>>) => T): T | undefined {
    if (answer.type === 'failure' && answer.failure.code === JetStreamCode.streamMissing) return undefined;
    return optional(answer, JetStreamCode.consumerMissing, `the consumer ${name} cannot be reached`, read);
  }

  #ask(verb: string, body: object | undefined, deadline: Deadline): Promise<JetStreamAnswer> {
    return jetStreamRequest(this.#connection, verb, body, deadline);
  }
}

function optional<T>(
  answer: JetStreamAnswer,
  missingCode: number,
  what: string,
  read: (value: Readonly<Record<string, unknown>>) => T,
): T | undefined {
  if (answer.type === 'answer') return read(answer.value);
  if (answer.failure.code === missingCode) return undefined;
  throw jetStreamError(what, answer.failure);
}

function streamConfig(maxMessages: number): object {
  return {
    name: EVENT_STREAM,
    subjects: [`${EVENT_SUBJECT}.>`],
    retention: 'limits',
    discard: 'old',
    storage: 'file',
    num_replicas: 1,
    max_msgs: maxMessages,
    max_msg_size: MAX_MESSAGE_BYTES,
    // Not relied on; the default of two minutes costs memory for every message in it.
    duplicate_window: 2_000_000_000,
    republish: { src: `${EVENT_SUBJECT}.>`, dest: `${LIVE_PREFIX}${EVENT_SUBJECT}.>` },
  };
}

function stateOf(value: Readonly<Record<string, unknown>>): StreamState {
  const state = objectIn(value, 'state');
  return {
    incarnation: String(value['created'] ?? ''),
    firstSequence: numberOr(state['first_seq'], 0),
    lastSequence: numberOr(state['last_seq'], 0),
    messages: numberOr(state['messages'], 0),
  };
}

function consumerOf(value: Readonly<Record<string, unknown>>): ConsumerState {
  return {
    acknowledgedSequence: numberOr(objectIn(value, 'ack_floor')['stream_seq'], 0),
    deliveredSequence: numberOr(objectIn(value, 'delivered')['stream_seq'], 0),
    pending: numberOr(value['num_pending'], 0),
    unacknowledged: numberOr(value['num_ack_pending'], 0),
    filter: String(objectIn(value, 'config')['filter_subject'] ?? ''),
  };
}
