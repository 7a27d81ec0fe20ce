/** All that a process may be sent for it to act on; the rest (SIGCHLD, SIGPIPE, SIGURG) is this program's own. */
const FORWARDED: readonly NodeJS.Signals[] = [
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGTERM', 'SIGCONT', 'SIGTSTP'] as const),
];

/** Passes this program's signals on, until the function that it returns is called. */
export function forwardSignals(send: (signal: NodeJS.Signals) => Promise<unknown>): () => void {
  const listener = (signal: NodeJS.Signals): void => {
    // The process may have ended meanwhile: then there is nobody to tell.
    send(signal).catch(() => undefined);
  };
  for (const signal of FORWARDED) process.on(signal, listener);
  return () => {
    for (const signal of FORWARDED) process.off(signal, listener);
  };
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** The size of the terminal that this program writes to; undefined without one. */
export function terminalSize(): TerminalSize | undefined {
  const { isTTY, rows, columns } = process.stdout;
  return isTTY && rows > 0 && columns > 0 ? { rows, columns } : undefined;
}

/** Tells the size of the terminal now, and whenever it changes, until the function that it returns is called. */
export function followTerminalSize(tell: (size: TerminalSize) => Promise<unknown>): () => void {
  const listener = (): void => {
    const size = terminalSize();
    if (size === undefined) return;
    // It has not begun, or is over: the size is told at its start, or does not matter.
    tell(size).catch(() => undefined);
  };
  listener();
  process.stdout.on('resize', listener);
  return () => {
    process.stdout.off('resize', listener);
  };
}
