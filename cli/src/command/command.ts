/** One flag of a command. The parser and every help page read the same table, so that they cannot disagree. */
export interface BooleanOption {
  readonly type: 'boolean';
  readonly short?: string;
  readonly help: string;
}

export interface TextOption {
  readonly type: 'string';
  readonly short?: string;
  /** How help names the value: DIR, KEY=VALUE. */
  readonly value: string;
  readonly help: string;
  /** May be given several times. */
  readonly multiple?: boolean;
}

export type OptionTable = Readonly<Record<string, BooleanOption | TextOption>>;

/** What the flags of a table were given: false, undefined or an empty list where nothing was. */
export type FlagValues<O extends OptionTable> = {
  readonly [K in keyof O]: O[K] extends BooleanOption
    ? boolean
    : O[K] extends { readonly multiple: true }
      ? readonly string[]
      : string | undefined;
};

/** What holds for every command. */
export interface Globals {
  readonly runDir: string;
  readonly json: boolean;
  readonly color: boolean;
}

/** A command as it was called. */
export interface Invocation<O extends OptionTable> {
  readonly flags: FlagValues<O>;
  readonly operands: readonly string[];
  readonly globals: Globals;
}

export interface Example {
  readonly command: string;
  readonly does: string;
}

/** How many operands a command takes; `most` absent: any number. */
export interface OperandCount {
  readonly least: number;
  readonly most?: number;
}

export interface CommandDefinition<O extends OptionTable> {
  /** Lines after "cleat": "ps [flags]". */
  readonly usage: readonly string[];
  /** Paragraphs below the usage. */
  readonly about?: string;
  readonly options: O;
  readonly examples: readonly Example[];
  readonly operands: OperandCount;
  /** Flags end at the first operand: what follows is another program's command line. */
  readonly passesOn?: boolean;
  /** It can answer in JSON. */
  readonly json?: boolean;
  /** Exit code of every failure that is Cleat's own, where it is not 1, and 2 for a wrong command line. */
  readonly failureCode?: number;
  /** The exit code. */
  run(invocation: Invocation<O>): Promise<number>;
}

/** A command whose flags are known by their table alone. */
export interface Command extends Omit<CommandDefinition<OptionTable>, 'run'> {
  execute(flags: ReadonlyMap<string, boolean | string | readonly string[]>, rest: Omit<Invocation<OptionTable>, 'flags'>): Promise<number>;
}

/** Ties a run function to the types of its own flags. */
export function defineCommand<O extends OptionTable>(definition: CommandDefinition<O>): Command {
  const { run, ...described } = definition;
  return {
    ...described,
    execute: (given, rest) => {
      const values = Object.entries(definition.options).map(([name, option]) => [name, given.get(name) ?? absentValue(option)]);
      // Made from the table that the type comes from, with values that the parser has typed by it.
      return run({ ...rest, flags: Object.fromEntries(values) as FlagValues<O> });
    },
  };
}

function absentValue(option: BooleanOption | TextOption): boolean | readonly string[] | undefined {
  if (option.type === 'boolean') return false;
  return option.multiple === true ? [] : undefined;
}
