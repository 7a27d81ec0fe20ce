export type { BackoffOptions, Journal, JournalOptions, JournalRecord, Logger } from '@cleat/core';
export { backoff, Deadline, KeyedQueue, monotonicMs, sleep, TaskGroup, UndoStack } from '@cleat/core';
export { CleatError, isCleatError, type Manifest } from '@cleat/schemas';
export { type CloudEvent, toCloudEvent } from './events/cloud-event.ts';
export { type Telling, type UntoldEvent, UntoldEvents, untoldEvent } from './events/untold-events.ts';
export { readManifest } from './manifest-file.ts';
export type {
  Call,
  CallContext,
  CallOptions,
  ConsumedItem,
  ConsumeOptions,
  DriverCalls,
  EventItem,
  InterceptorHandlers,
  PluginContext,
  PluginDefinition,
  PluginHandlers,
  ProviderHandlers,
  PublishOptions,
  ReceivedEvent,
  ReconcileAll,
  ServiceHandlers,
  StreamTicket,
  SubscribeOptions,
} from './plugin.ts';
export { definePlugin } from './plugin.ts';
export { run } from './run/host.ts';
