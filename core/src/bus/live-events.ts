import type { BusConnection } from './connection.ts';
import { EventQueue } from './event-queue.ts';
import { eventSubject, LIVE_PREFIX } from './event-subjects.ts';
import type { BusHeaders, BusMessage } from './message.ts';

/** An event as the stream has it. */
export interface StreamedEvent {
  readonly type: 'event';
  /** As it was published, without the prefix of live ones. */
  readonly subject: string;
  /** The sequence in this incarnation of the stream. */
  readonly sequence: number;
  readonly headers: BusHeaders;
  readonly body: Buffer;
}

/** `lag`: so many were dropped here, as the reader was too slow. `reconnected`: what came meanwhile was missed. Both: read on elsewhere. */
export type LiveItem = StreamedEvent | { readonly type: 'lag'; readonly dropped: number } | { readonly type: 'reconnected' };

export interface LiveEventsOptions {
  /** `<noun>.<action>` with stars; within what the grant names, else the server refuses them. */
  readonly patterns: readonly string[];
  readonly node: string;
  readonly signal: AbortSignal;
  readonly maxQueued?: number | undefined;
  readonly maxQueuedBytes?: number | undefined;
}

const DEFAULT_QUEUED = 4_096;
const DEFAULT_QUEUED_BYTES = 8_388_608;

/**
 * The events that are stored from now on, once and in order, until `signal` aborts. The subscription stands when this returns;
 * whatever is missed is said, in place.
 */
export function liveEvents(connection: BusConnection, options: LiveEventsOptions): AsyncGenerator<LiveItem, void> {
  const queue = new EventQueue<LiveItem>({
    maxCount: options.maxQueued ?? DEFAULT_QUEUED,
    maxBytes: options.maxQueuedBytes ?? DEFAULT_QUEUED_BYTES,
  });
  let dropped = 0;
  const onMessage = (message: BusMessage): void => {
    // After a loss nothing is let in before the loss is told, else the reader would see a gap without a word.
    if (dropped > 0 && !queue.offer({ type: 'lag', dropped }, 0)) {
      dropped += 1;
      return;
    }
    dropped = queue.offer(streamed(message), message.body.length) ? 0 : 1;
  };
  const subscriptions = options.patterns.map((pattern) =>
    connection.subscribe(`${LIVE_PREFIX}${eventSubject(options.node, pattern)}`, onMessage),
  );
  const stopListening = connection.onEvent((event) => {
    if (event.type === 'connected' && !event.isFirst) queue.push({ type: 'reconnected' });
  });
  const onAbort = (): void => queue.end();
  if (options.signal.aborted) onAbort();
  else options.signal.addEventListener('abort', onAbort, { once: true });
  return read(queue, () => {
    for (const subscription of subscriptions) subscription.close();
    stopListening();
    options.signal.removeEventListener('abort', onAbort);
  });
}

async function* read(queue: EventQueue<LiveItem>, close: () => void): AsyncGenerator<LiveItem, void> {
  try {
    for (let item = await queue.next(); item !== undefined; item = await queue.next()) yield item;
  } finally {
    close();
  }
}

function streamed(message: BusMessage): StreamedEvent {
  return {
    type: 'event',
    subject: message.headers.get('Nats-Subject') ?? message.subject.slice(LIVE_PREFIX.length),
    sequence: Number(message.headers.get('Nats-Sequence') ?? 0),
    headers: message.headers,
    body: message.body,
  };
}
