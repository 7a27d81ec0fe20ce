/** The bus for a program that only calls and listens: what the command line loads with every command, and nothing of server or journal. */
export { BusConnection } from '../bus/connection.ts';
export { type LiveEventsOptions, type LiveItem, liveEvents } from '../bus/live-events.ts';
export type { BusLog } from '../bus/message.ts';
export { ContractCaller, type ContractCallOptions } from '../contracts/contract-caller.ts';
