import { spawnSync } from 'node:child_process';
import type { Socket } from 'node:net';
import { DetachDetector, FrameDecoder } from '@cleat/sdk/streams';

export interface Attachment {
  readonly socket: Socket;
  /** One stream of bytes as they are; else Docker's frames. */
  readonly terminal: boolean;
  /** Sends this program's standard input. */
  readonly stdin: boolean;
  /** What is looked for in it; only on a terminal. */
  readonly detachKeys: readonly number[];
}

/** How it ended: the other side closed the stream, or the user left it by the detach keys. */
export type AttachmentEnd = 'closed' | 'detached';

/** Connects this program's standard streams to those of a process, until that side has no more to say. */
export async function attachStreams(attachment: Attachment): Promise<AttachmentEnd> {
  const output = showOutput(attachment.socket, attachment.terminal);
  if (!attachment.stdin) {
    await output;
    return 'closed';
  }
  const input = new Input(attachment);
  try {
    return await Promise.race([output.then(() => 'closed' as const), input.detached]);
  } finally {
    input.stop();
  }
}

/** Writes what comes to standard output and standard error; a slow reader there slows the sender. Resolves at its end. */
export function showOutput(socket: Socket, isRaw: boolean): Promise<void> {
  const decoder = new FrameDecoder();
  return new Promise((resolve, reject) => {
    const put = (stream: NodeJS.WriteStream, data: Buffer): void => {
      if (stream.write(data)) return;
      socket.pause();
      stream.once('drain', () => socket.resume());
    };
    socket.on('data', (chunk: Buffer) => {
      if (isRaw) {
        put(process.stdout, chunk);
        return;
      }
      try {
        for (const { stream, data } of decoder.push(chunk)) put(stream === 'stdout' ? process.stdout : process.stderr, data);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        socket.destroy();
      }
    });
    // Reset or closed: either way nothing more comes, and who knows of the process tells how it ended.
    socket.once('error', () => resolve());
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
}

/**
 * Node's raw mode still turns each line feed that is put out into two characters, which full-screen programs of the container do not mean.
 * `setRawMode(false)` brings back all that was before.
 */
function enterRawMode(): void {
  process.stdin.setRawMode(true);
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
}

/** This program's standard input on its way to a process. */
class Input {
  readonly #socket: Socket;
  readonly #keys: DetachDetector;
  readonly #isTerminal: boolean;
  readonly detached: Promise<'detached'>;
  #onDetached: () => void = () => undefined;

  constructor({ socket, terminal, detachKeys }: Attachment) {
    this.#socket = socket;
    // Here and not by who holds the stream: only here it is certain that a stream which ends was left and not lost.
    this.#keys = new DetachDetector(terminal ? detachKeys : []);
    this.#isTerminal = terminal && process.stdin.isTTY;
    this.detached = new Promise((resolve) => {
      this.#onDetached = () => resolve('detached');
    });
    if (this.#isTerminal) enterRawMode();
    process.stdin.on('data', this.#onData);
    process.stdin.once('end', this.#onEnd);
    // A standard input that cannot be read (closed, a directory) is one that has ended.
    process.stdin.once('error', this.#onEnd);
  }

  stop(): void {
    process.stdin.off('data', this.#onData);
    process.stdin.off('end', this.#onEnd);
    process.stdin.pause();
    if (this.#isTerminal) process.stdin.setRawMode(false);
  }

  readonly #onData = (chunk: Buffer): void => {
    const { data, isDetached } = this.#keys.feed(chunk);
    if (data.length > 0 && this.#socket.writable && !this.#socket.write(data)) {
      process.stdin.pause();
      this.#socket.once('drain', () => process.stdin.resume());
    }
    if (isDetached) this.#onDetached();
  };

  readonly #onEnd = (): void => {
    this.#socket.end();
  };
}
