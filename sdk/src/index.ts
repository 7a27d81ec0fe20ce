export { definePlugin } from './plugin.ts';
export type {
  Call,
  CallContext,
  CallOptions,
  DriverCalls,
  EventItem,
  InterceptorHandlers,
  PluginContext,
  PluginDefinition,
  PluginHandlers,
  ProviderHandlers,
  ReceivedEvent,
  ReconcileAll,
  ServiceHandlers,
  StreamTicket,
  SubscribeOptions,
} from './plugin.ts';
