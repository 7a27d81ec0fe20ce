import { EXIT_FAILED, EXIT_OK } from '../command/exit-codes.ts';
import { failureText } from '../command/failure.ts';
import { painter, wantsColor } from '../output/style.ts';
import { write } from '../output/writer.ts';

/** Does one thing to each of several, all at once: prints the name of each when it is done, tells every failure. The exit code. */
export async function forEach(names: readonly string[], work: (name: string) => Promise<string | void>): Promise<number> {
  const paint = painter(wantsColor(process.stderr, process.env));
  const results = await Promise.all(
    names.map(async (name) => {
      try {
        write(`${(await work(name)) ?? name}\n`);
        return true;
      } catch (error) {
        process.stderr.write(failureText(error, paint));
        return false;
      }
    }),
  );
  return results.every(Boolean) ? EXIT_OK : EXIT_FAILED;
}
