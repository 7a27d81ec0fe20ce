/** Puts text on standard output. */
export function write(text: string): void {
  process.stdout.write(text);
}

/** A warning or a notice, which is not the answer. */
export function notice(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Resolves when all that was put out has left this process. */
export async function printed(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => {
          if (stream.writableLength === 0 || stream.destroyed) resolve();
          else stream.write('', () => resolve());
        }),
    ),
  );
}
