import { isCleatError, toCleatError } from '@cleat/schemas/errors';
import type { Painter } from '../output/style.ts';

/** An error for people: one sentence, and what can be done about it on the next line. */
export function failureText(thrown: unknown, style: Painter): string {
  const error = toCleatError(thrown);
  const name = error.plugin === undefined || error.plugin === 'kernel' ? '' : ` (plugin ${error.plugin})`;
  const hint = error.hint === undefined ? '' : `${style.dim(error.hint)}\n`;
  const where =
    isCleatError(thrown) || process.env['CLEAT_DEBUG'] === undefined || !(thrown instanceof Error) ? '' : `${thrown.stack ?? ''}\n`;
  return `cleat: ${error.message}${error.message.includes(error.plugin ?? ' ') ? '' : name}\n${hint}${where}`;
}
