import { parseArgs } from 'node:util';
import type { OptionTable } from './command.ts';
import { usageError } from './usage-error.ts';

export interface Parsed {
  readonly flags: ReadonlyMap<string, boolean | string | readonly string[]>;
  readonly operands: readonly string[];
}

export interface ParseOptions {
  /** Flags end at the first operand; a "--" right before it is taken away. */
  readonly passesOn?: boolean | undefined;
}

/** Reads a command line by its table of flags. Throws `invalid_argument` USAGE that names the flag. */
export function parseCommandLine(argv: readonly string[], options: OptionTable, settings: ParseOptions = {}): Parsed {
  // Not strict: node's own messages advise things that are of no use here, and what follows an operand may not be for us.
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, nodeOption(option)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const flags = new Map<string, boolean | string | readonly string[]>();
  const lists = new Map<string, string[]>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option') {
      const value = valueOf(token, options);
      const option = options[token.name];
      const isList = option?.type === 'string' && option.multiple === true;
      if (isList) lists.set(token.name, [...(lists.get(token.name) ?? []), String(value)]);
      flags.set(token.name, isList ? (lists.get(token.name) ?? []) : value);
      continue;
    }
    if (settings.passesOn === true) {
      const from = token.kind === 'option-terminator' ? token.index + 1 : token.index;
      return { flags, operands: argv.slice(from) };
    }
    if (token.kind === 'positional') operands.push(token.value);
  }
  return { flags, operands };
}

function nodeOption(option: OptionTable[string]): { readonly type: 'boolean' | 'string'; readonly short?: string } {
  return { type: option.type, ...(option.short === undefined ? {} : { short: option.short }) };
}

function valueOf(
  token: { readonly name: string; readonly rawName: string; readonly value: string | undefined },
  options: OptionTable,
): boolean | string {
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
  if (option === undefined) throw usageError(`unknown flag ${token.rawName}`);
  if (option.type === 'string') {
    if (token.value === undefined) throw usageError(`flag ${token.rawName} needs a value: ${option.value}`);
    return token.value;
  }
  if (token.value === undefined || token.value === 'true') return true;
  if (token.value === 'false') return false;
  throw usageError(`flag ${token.rawName} takes no value`);
}
