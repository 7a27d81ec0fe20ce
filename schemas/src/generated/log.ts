// Generated from schemas/contracts/log.avdl by "npm run generate": do not edit.

export interface ReadRequest {
  readonly container: string;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** Include the details of labels and environment that the driver was asked to keep. */
  readonly details: boolean;
  /** 0: no bound. */
  readonly since: bigint;
  readonly until: bigint;
  /** -1: all. */
  readonly tail: number;
  /** Frames of Docker's stream format; false: raw bytes. */
  readonly frames: boolean;
}

/** What encoding takes for a ReadRequest: fields with a default may be left out. */
export interface ReadRequestInput {
  readonly container: string;
  readonly stdout?: boolean | undefined;
  readonly stderr?: boolean | undefined;
  readonly follow?: boolean | undefined;
  readonly timestamps?: boolean | undefined;
  readonly details?: boolean | undefined;
  readonly since?: bigint | undefined;
  readonly until?: bigint | undefined;
  readonly tail?: number | undefined;
  readonly frames?: boolean | undefined;
}

/** Connect, send the token and a line feed; the lines come in Docker's stream format. */
export interface StreamTicket {
  readonly socket: string;
  readonly token: string;
}

/** What encoding takes for a StreamTicket: fields with a default may be left out. */
export interface StreamTicketInput {
  readonly socket: string;
  readonly token: string;
}

export interface DriversRequest {
}

/** What encoding takes for a DriversRequest: fields with a default may be left out. */
export interface DriversRequestInput {
}

export interface Driver {
  readonly name: string;
  readonly readable: boolean;
}

/** What encoding takes for a Driver: fields with a default may be left out. */
export interface DriverInput {
  readonly name: string;
  readonly readable?: boolean | undefined;
}

export interface DriversResponse {
  readonly drivers: ReadonlyArray<Driver>;
  readonly defaultDriver: string;
}

/** What encoding takes for a DriversResponse: fields with a default may be left out. */
export interface DriversResponseInput {
  readonly drivers?: ReadonlyArray<DriverInput> | undefined;
  readonly defaultDriver: string;
}

/** The operations of the contract log. */
export interface Operations {
  /** A place to read a container's log from. */
  readonly read: { readonly input: ReadRequestInput; readonly request: ReadRequest; readonly response: StreamTicket; readonly answer: StreamTicketInput };
  /** The log drivers of this node. */
  readonly drivers: { readonly input: DriversRequestInput; readonly request: DriversRequest; readonly response: DriversResponse; readonly answer: DriversResponseInput };
}
