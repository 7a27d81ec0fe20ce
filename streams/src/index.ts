export type { AttachOffer, StreamsClientOptions } from './client.ts';
export { StreamsClient } from './client.ts';
export type { HeldTarget, WaitCondition } from './protocol.ts';
