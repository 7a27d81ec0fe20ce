import { CleatError, type container, type log, type logdata } from '@cleat/schemas';
import type { Call, CallContext, PluginContext, ServiceHandlers } from '@cleat/sdk';
import { detailsText, logAttributes } from '../log-details.ts';
import { type LogDrivers, textsOf } from '../log-drivers.ts';
import { LogReader, type LogRequest } from '../reader/log-reader.ts';
import type { LogWatches } from '../reader/log-watches.ts';

/** While a log is followed, a kernel that is away holds up what is there already for no longer than this. */
const LIST_MS = 2_000;

export interface LogServiceParts {
  readonly call: Call;
  readonly offerStream: PluginContext['offerStream'];
  readonly drivers: LogDrivers;
  readonly watches: LogWatches;
  /** The plugin ends. */
  readonly signal: AbortSignal;
}

/** The operations of the contract `log`. */
export class LogService implements ServiceHandlers<'log'> {
  readonly #parts: LogServiceParts;

  constructor(parts: LogServiceParts) {
    this.#parts = parts;
  }

  async read(request: log.ReadRequest, call: Pick<CallContext, 'deadline' | 'signal'>): Promise<log.StreamTicketInput> {
    const { deadline, signal } = call;
    const info = await this.#parts.call('container', 'inspect', { container: request.container }, { deadline, signal });
    const asked = logRequest(request, info, this.#parts.drivers.list());
    return this.#parts.offerStream(async (socket) => {
      const { watches } = this.#parts;
      const reader = new LogReader(asked, { list: () => this.#list(info.id), watches, signal: this.#parts.signal }, socket);
      await reader.run();
    });
  }

  drivers(): Promise<log.DriversResponseInput> {
    const { drivers } = this.#parts;
    return Promise.resolve({ drivers: [...drivers.list(), { name: 'none', readable: false }], defaultDriver: drivers.defaults.driver });
  }

  #list(container: string): Promise<logdata.SegmentsResponse> {
    return this.#parts.call('logdata', 'segments', { container }, { timeoutMs: LIST_MS, signal: this.#parts.signal });
  }
}

function logRequest(request: log.ReadRequest, info: container.Info, drivers: ReturnType<LogDrivers['list']>): LogRequest {
  const { stdout, stderr, since, until, timestamps, frames, tail, follow } = request;
  const claim = info.claims.find((state) => state.claim.kind === 'log');
  const driver = claim === undefined ? 'none' : driverOf(claim);
  if (claim === undefined || drivers.find(({ name }) => name === driver)?.readable !== true) {
    throw new CleatError('unimplemented', 'LOG_UNREADABLE', 'configured logging driver does not support reading', {
      hint: `The container was made with the logging driver ${driver}.`,
    });
  }
  const details = request.details ? `${detailsText(logAttributes(optionsOf(claim), info))} ` : undefined;
  return {
    container: info.id,
    directory: info.paths.logs,
    range: { stdout, stderr, since, until },
    format: { frames, timestamps, details },
    tail,
    follow,
  };
}

/** As reserve answered them. */
function optionsOf({ status }: container.ClaimState): Readonly<Record<string, string>> {
  const value: unknown = status === '' ? {} : JSON.parse(status);
  if (typeof value !== 'object' || value === null || !('options' in value)) return {};
  return typeof value.options === 'object' && value.options !== null ? textsOf(value.options) : {};
}

function driverOf({ status }: container.ClaimState): string {
  const value: unknown = status === '' ? {} : JSON.parse(status);
  return typeof value === 'object' && value !== null && 'driver' in value ? String(value.driver) : '';
}
