import { readFileSync } from 'node:fs';
import { usageError } from '../command/usage-error.ts';
import { systemReason } from '../output/file-failure.ts';

/** "KEY=VALUE" of flags like --label; a KEY alone has an empty value where that makes sense. */
export function keyValues(
  flag: string,
  texts: readonly string[],
  options: { readonly valueIsNeeded: boolean },
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      if (equals === 0 || text === '' || (equals < 0 && options.valueIsNeeded)) throw usageError(`${flag} ${text}: not KEY=VALUE`);
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** Variables of -e and --env-file. A name alone takes its value from here; one that is not set here is left out. */
export function environment(flags: readonly string[], files: readonly string[], env: NodeJS.ProcessEnv): readonly string[] {
  return [...files.flatMap(readEnvFile), ...flags].flatMap((entry) => {
    if (entry === '' || entry.startsWith('=')) throw usageError(`-e ${entry}: not NAME=VALUE`);
    if (entry.includes('=')) return [entry];
    const value = env[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

/** One variable a line; blank lines and lines that begin with "#" are passed over. */
function readEnvFile(path: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`--env-file ${path}: ${systemReason(error)}`);
  }
  return text
    .split('\n')
    .map((line) => line.trimStart().replace(/\r$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}
