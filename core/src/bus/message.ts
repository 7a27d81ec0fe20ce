/** The headers of a message. Names are case-sensitive on the bus. */
export type BusHeaders = ReadonlyMap<string, string>;

export const NO_HEADERS: BusHeaders = new Map();
export const NO_BODY: Buffer = Buffer.alloc(0);

/** A message as it arrived. */
export interface BusMessage {
  readonly subject: string;
  readonly reply: string | undefined;
  readonly headers: BusHeaders;
  /** The server's own status (404, 408, 409, 503), on messages that it made; 0 on all others. */
  readonly status: number;
  readonly statusText: string;
  readonly body: Buffer;
}

export type MessageHandler = (message: BusMessage) => void;

/** The names of the headers of a call. Unknown headers are ignored by whoever reads. */
export const CallHeader = {
  operation: 'Cleat-Op',
  attempt: 'Cleat-Attempt',
  deadline: 'Cleat-Deadline',
  limit: 'Cleat-Limit',
  timeout: 'Cleat-Timeout-Ms',
  window: 'Cleat-Progress-Ms',
  status: 'Cleat-Status',
  contract: 'Cleat-Contract',
  schema: 'Cleat-Schema',
  principal: 'Cleat-Principal',
  trace: 'traceparent',
} as const;

/** `working`: nothing to tell but "not forgotten"; `cancel` is the one that travels with a request. */
export type CallStatus = 'working' | 'progress' | 'ok' | 'error' | 'cancel';

/** What the bus tells its owner. Compatible with the logger of this package. */
export interface BusLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
