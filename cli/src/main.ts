import { cliVersion } from './version.ts';

/** Nothing but node itself is loaded until it is known what for. */
async function main(argv: readonly string[]): Promise<number> {
  // A reader that goes away ("cleat ps | head -1") ends this program as it would end any other.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(141);
      throw error;
    });
  }
  if (argv[0] === '--version') {
    process.stdout.write(`cleat ${cliVersion()}\n`);
    return 0;
  }
  const { dispatch } = await import('./command/dispatch.ts');
  return dispatch(argv, process.env);
}

// Streams that a container's end has left half open must not keep it.
process.exit(await main(process.argv.slice(2)));
