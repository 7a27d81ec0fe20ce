export type { CallGrant, Grant } from './account-claims.ts';
export { AccountBook, type AccountChanges, type AccountStatement, KERNEL, type ParticipantKeys } from './accounts.ts';
export { BusCaller, type BusCallerOptions, type CallAnswer, type CallOptions } from './call.ts';
export {
  BusConnection,
  type BusConnectionOptions,
  type BusSubscription,
  type ConnectionEvent,
  type ReplyPath,
} from './connection.ts';
export {
  type Credentials,
  decodeCredentials,
  encodeCredentials,
  type ParticipantCredentials,
} from './credentials.ts';
export { type DurableEvent, type DurableEventsOptions, type DurableItem, durableEvents } from './durable-events.ts';
export { EVENT_STREAM, EVENT_SUBJECT, eventSubject } from './event-subjects.ts';
export { type LiveEventsOptions, type LiveItem, liveEvents, type StreamedEvent } from './live-events.ts';
export { type BusHeaders, type BusLog, type BusMessage, CallHeader } from './message.ts';
export { PrivateBus, type PrivateBusOptions } from './private-bus.ts';
export {
  BusCallee,
  type BusCalleeOptions,
  type CallHandler,
  type CallRequest,
  type CallResult,
  type ServeOptions,
} from './serve.ts';
export { NatsServer, type NatsServerOptions, type ServerEvent } from './server.ts';
export type { LeafRemote } from './server-config.ts';
export { type ConsumerState, EventStream, type PublishOutcome, type StreamState } from './stream.ts';
export type { StreamRecord } from './stream-publisher.ts';
export type { Disconnection } from './system-link.ts';
