import { COMMANDS } from '../commands/index.ts';
import { painter, wantsColor } from '../output/style.ts';
import { printed, write } from '../output/writer.ts';
import type { Command, Globals } from './command.ts';
import { type Entry, type Loaded, leaf } from './entry.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './exit-codes.ts';
import { failureText } from './failure.ts';
import { commandPage, GLOBAL_OPTIONS, globalOptionsOf, groupPage, overviewPage } from './help-page.ts';
import { type Parsed, parseCommandLine } from './parser.ts';
import { TOPICS } from './topics.ts';
import { isUsageError, usageError } from './usage-error.ts';

const DEFAULT_RUN_DIR = '/run/cleat';

/** Finds the command of a command line, runs it, and tells what went wrong. The exit code. */
export async function dispatch(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const paint = painter(wantsColor(process.stderr, env) && !argv.includes('--no-color'));
  try {
    const code = await new Dispatcher(env).run(argv);
    await printed();
    return code;
  } catch (error) {
    await printed().catch(() => undefined);
    const { reason, code } =
      error instanceof CommandFailure ? error : new CommandFailure(error, isUsageError(error) ? EXIT_USAGE : EXIT_FAILED);
    process.stderr.write(failureText(reason, paint));
    return code;
  }
}

/** What went wrong, with the code that the command at hand has for it. */
class CommandFailure extends Error {
  readonly reason: unknown;
  readonly code: number;

  constructor(reason: unknown, code: number) {
    super('a command failed');
    this.reason = reason;
    this.code = code;
  }
}

class Dispatcher {
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  async run(argv: readonly string[]): Promise<number> {
    const before = parseCommandLine(argv, GLOBAL_OPTIONS, { passesOn: true });
    const [name, ...rest] = before.operands;
    if (name === undefined || name === 'help') return this.#help(rest, before);
    const path: string[] = [name];
    let entry = found(COMMANDS, path);
    let loaded = await entry.load();
    while (loaded.type === 'group') {
      const [next, ...others] = rest;
      if (next === undefined || next === '--help' || next === '-h' || before.flags.get('help') === true) return this.#help(path, before);
      rest.splice(0, rest.length, ...others);
      path.push(next);
      entry = found(loaded.entries, path);
      loaded = await entry.load();
    }
    if (before.flags.get('help') === true) return this.#help(path, before);
    if (loaded.type === 'raw' && rest.some((word) => word === '--help' || word === '-h')) return this.#help(path, before);
    if (loaded.type === 'raw') return loaded.raw.execute(this.#rawArguments(rest, before));
    return this.#execute(path, loaded.command, rest, before);
  }

  async #execute(path: readonly string[], command: Command, argv: readonly string[], before: Parsed): Promise<number> {
    const failure = command.failureCode;
    let parsed: Parsed;
    try {
      parsed = parseCommandLine(argv, { ...command.options, ...globalOptionsOf(command) }, { passesOn: command.passesOn });
      if (parsed.flags.get('help') === true) return await this.#help(path, before);
      checkOperands(parsed.operands, command);
      if (before.flags.get('json') === true && command.json !== true) throw usageError(`cleat ${path.join(' ')} does not answer in JSON`);
    } catch (error) {
      const hinted =
        isUsageError(error) && error.hint === undefined ? usageError(error.message, `See "cleat help ${path.join(' ')}".`) : error;
      throw new CommandFailure(hinted, failure ?? EXIT_USAGE);
    }
    const flags = new Map([...before.flags, ...parsed.flags]);
    try {
      return await command.execute(flags, { operands: parsed.operands, globals: this.#globals(flags) });
    } catch (error) {
      throw new CommandFailure(error, failure ?? (isUsageError(error) ? EXIT_USAGE : EXIT_FAILED));
    }
  }

  #globals(flags: Parsed['flags']): Globals {
    const runDir = flags.get('run-dir') ?? (this.#env['CLEAT_RUN_DIR'] || DEFAULT_RUN_DIR);
    return {
      runDir: String(runDir),
      json: flags.get('json') === true,
      color: wantsColor(process.stdout, this.#env) && flags.get('no-color') !== true,
    };
  }

  /** The platform's own commands read their flags themselves; what stands before the command is theirs as well. */
  #rawArguments(argv: readonly string[], before: Parsed): readonly string[] {
    const runDir = before.flags.get('run-dir') ?? this.#env['CLEAT_RUN_DIR'];
    const isSaid = argv.some((word) => word === '--run-dir' || word.startsWith('--run-dir='));
    return [
      ...(typeof runDir === 'string' && runDir !== '' && !isSaid ? ['--run-dir', runDir] : []),
      ...(before.flags.get('json') === true ? ['--json'] : []),
      ...argv,
    ];
  }

  async #help(words: readonly string[], before: Parsed): Promise<number> {
    const paint = painter(this.#globals(before.flags).color);
    const path = words.filter((word) => !word.startsWith('-'));
    write(await helpText(path, paint));
    return EXIT_OK;
  }
}

/** The page of a command, a group, a topic; the overview for an empty path. */
export async function helpText(path: readonly string[], paint: { bold(text: string): string }): Promise<string> {
  if (path.length === 0) return overviewPage(COMMANDS, TOPICS, paint);
  const topic = TOPICS.find(({ name }) => path.length === 1 && name === path[0]);
  if (topic !== undefined) return topic.text;
  let entry: Entry = leaf('', '', () => Promise.reject(new Error('there is no such command')));
  let loaded: Loaded = { type: 'group', entries: COMMANDS };
  for (const index of path.keys()) {
    if (loaded.type !== 'group') throw usageError(`"${path.slice(0, index).join(' ')}" has no subcommands`);
    entry = found(loaded.entries, path.slice(0, index + 1));
    loaded = await entry.load();
  }
  switch (loaded.type) {
    case 'group':
      return groupPage(path.join(' '), entry.summary, loaded.entries, paint);
    case 'raw':
      return loaded.raw.help;
    case 'command':
      return commandPage(entry.summary, loaded.command, paint);
  }
}

function found(entries: readonly Entry[], path: readonly string[]): Entry {
  const name = path.at(-1) ?? '';
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const near = entries.find((candidate) => candidate.name.startsWith(name) || isNear(candidate.name, name));
  const parents = path.slice(0, -1).join(' ');
  const hint =
    near === undefined
      ? `See "cleat help${parents === '' ? '' : ` ${parents}`}".`
      : `Did you mean "cleat ${[...path.slice(0, -1), near.name].join(' ')}"?`;
  throw usageError(`there is no command "${path.join(' ')}"`, hint);
}

/** One letter too many, too few, or another. */
function isNear(left: string, right: string): boolean {
  if (Math.abs(left.length - right.length) > 1) return false;
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  const rests = [left.slice(at + 1), left.slice(at)];
  return rests.includes(right.slice(at)) || rests[0] === right.slice(at + 1) || left.slice(at) === right.slice(at + 1);
}

function checkOperands(operands: readonly string[], command: Command): void {
  const { least, most } = command.operands;
  if (operands.length < least) throw usageError(`something is missing: cleat ${command.usage[0] ?? ''}`);
  if (most !== undefined && operands.length > most)
    throw usageError(`"${operands[most] ?? ''}" is too much: cleat ${command.usage[0] ?? ''}`);
}
