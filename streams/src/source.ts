import type { Socket } from 'node:net';
import { connectSeqpacket, type SeqpacketConnection } from '@cleat/core/syscalls';

/** What happens at a source, told from its making on. */
export interface SourceEvents {
  /** `stream`: 1 stdout, 2 stderr, as in Docker's frames. */
  readonly onOutput: (stream: number, payload: Buffer) => void;
  /** No more comes. */
  readonly onEnd: () => void;
}

/** Where the output of one run comes from, and its stdin goes. */
export interface Source {
  /** Takes one piece of at most 32 KiB; the next one only after `done`. */
  writeStdin(data: Buffer, done: () => void): void;
  endStdin(): void;
  pause(): void;
  resume(): void;
  /** Tells the output that is still there, and lets go. */
  close(): void;
  /** Nobody need read it for the process to go on: what it says goes to a log, or nowhere. */
  readonly canBeLeft: boolean;
}

/** The attach socket of a conmon, which has its own reader of the process. */
export class MonitorSource implements Source {
  readonly canBeLeft = true;
  readonly #events: SourceEvents;
  readonly #connection: SeqpacketConnection;

  /** Throws SYSCALL_ECONNREFUSED, SYSCALL_ENOENT when the monitor is gone. */
  constructor(attachPath: string, events: SourceEvents) {
    this.#events = events;
    this.#connection = connectSeqpacket(attachPath);
    this.#socket.on('data', (packet: Buffer) => {
      this.#tell(packet);
    });
    this.#socket.once('end', events.onEnd).once('error', events.onEnd).once('close', events.onEnd);
  }

  get #socket(): Socket {
    return this.#connection.socket;
  }

  writeStdin(data: Buffer, done: () => void): void {
    this.#socket.write(data, done);
  }

  endStdin(): void {
    if (!this.#socket.writableEnded) this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    for (const packet of this.#connection.drain()) this.#tell(packet);
    this.#socket.destroy();
  }

  /** conmon counts 2 for stdout and 3 for stderr. */
  #tell(packet: Buffer): void {
    this.#events.onOutput((packet[0] ?? 2) - 1, packet.subarray(1));
  }
}
