import { armTimer, type Deadline } from '../deadlines/index.ts';
import type { BusConnection } from './connection.ts';
import { failureIn, type JetStreamFailure, numberOr, parseObject } from './jetstream-api.ts';
import type { BusHeaders, BusMessage } from './message.ts';

export interface StreamRecord {
  readonly subject: string;
  readonly headers: BusHeaders;
  readonly body: Uint8Array;
}

/** What the acknowledgements of one batch said. */
export interface BatchAcks {
  /** The highest sequence acknowledged; undefined when none was. */
  readonly lastSequence: number | undefined;
  /** The first refusal. */
  readonly failure: JetStreamFailure | undefined;
  /** Nothing listens on the subject: there is no stream. */
  readonly isGone: boolean;
  /** Every record was acknowledged as stored. */
  readonly isComplete: boolean;
}

const EXPECTED = 'Nats-Expected-Last-Sequence';
/** Sent before their acknowledgements are awaited; a batch has more. */
const WINDOW = 256;

/**
 * Sends the records one behind the other without waiting for each. Every one names the sequence it must follow, so that after a
 * refused one none of the rest is stored, and a repetition can't be stored twice.
 */
export async function sendBatch(
  connection: BusConnection,
  records: readonly StreamRecord[],
  after: number,
  deadline: Deadline,
): Promise<BatchAcks> {
  let acks: BatchAcks = { lastSequence: undefined, failure: undefined, isGone: false, isComplete: true };
  for (let from = 0; from < records.length && acks.isComplete; from += WINDOW) {
    const window = await sendWindow(connection, records.slice(from, from + WINDOW), after + from, deadline);
    acks = { ...window, lastSequence: window.lastSequence ?? acks.lastSequence };
  }
  return acks;
}

function sendWindow(connection: BusConnection, records: readonly StreamRecord[], after: number, deadline: Deadline): Promise<BatchAcks> {
  return new Promise((resolve, reject) => {
    const collector = new AckCollector(records.length);
    const finish = (): void => {
      path.close();
      stopListening();
      disarm();
      resolve(collector.result());
    };
    const path = connection.openReplyPath((message) => {
      collector.take(message);
      if (collector.isSettled) finish();
    });
    // Acknowledgements on their way are lost with the connection.
    const stopListening = connection.onEvent((event) => {
      if (event.type === 'disconnected') finish();
    });
    const disarm = armTimer(deadline.atMs, finish);
    try {
      records.forEach((record, index) => {
        const headers = new Map(record.headers).set(EXPECTED, String(after + index));
        connection.publish(record.subject, record.body, { headers, reply: path.subject });
      });
    } catch (error) {
      finish();
      reject(error);
    }
  });
}

class AckCollector {
  readonly #expected: number;
  #count = 0;
  #stored = 0;
  #lastSequence: number | undefined;
  #failure: JetStreamFailure | undefined;
  #isGone = false;

  constructor(expected: number) {
    this.#expected = expected;
  }

  get isSettled(): boolean {
    return this.#count >= this.#expected || this.#isGone;
  }

  take(message: BusMessage): void {
    this.#count += 1;
    if (message.status === 503) {
      this.#isGone = true;
      return;
    }
    const value = parseObject(message.body);
    const failure = failureIn(value);
    if (failure !== undefined) {
      this.#failure ??= failure;
      return;
    }
    this.#stored += 1;
    this.#lastSequence = Math.max(this.#lastSequence ?? 0, numberOr(value['seq'], 0));
  }

  result(): BatchAcks {
    const isComplete = this.#stored === this.#expected;
    return { lastSequence: this.#lastSequence, failure: this.#failure, isGone: this.#isGone, isComplete };
  }
}
