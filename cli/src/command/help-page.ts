import type { Command, OptionTable } from './command.ts';
import type { Entry, TopEntry } from './entry.ts';

/** Flags that every command takes. */
export const GLOBAL_OPTIONS = {
  'run-dir': { type: 'string', value: 'DIR', help: 'run directory of the platform (default $CLEAT_RUN_DIR, else /run/cleat)' },
  json: { type: 'boolean', help: 'answer in JSON' },
  'no-color': { type: 'boolean', help: 'no colour, also on a terminal' },
  help: { type: 'boolean', short: 'h', help: 'show this page' },
} as const;

/** Those of them that a command takes: it may use a letter itself, and not all answer in JSON. */
export function globalOptionsOf(command: Pick<Command, 'options' | 'json'>): OptionTable {
  const letters = new Set(Object.values(command.options).map(({ short }) => short));
  const { help, json, ...always } = GLOBAL_OPTIONS;
  return {
    ...always,
    ...(command.json === true ? { json } : {}),
    help: letters.has(help.short) ? { type: help.type, help: help.help } : help,
  };
}

export interface Style {
  bold(text: string): string;
}

const COLUMN_WIDTH = 26;

export function commandPage(summary: string, command: Command, style: Style): string {
  const own = Object.entries(command.options);
  const parts = [
    command.usage.map((line, index) => `${index === 0 ? style.bold('Usage:') : '      '} cleat ${line}`).join('\n'),
    summaryLine(summary),
    ...(command.about === undefined ? [] : [command.about]),
    ...(own.length === 0 ? [] : [`${style.bold('Flags:')}\n${optionLines(command.options)}`]),
    `${style.bold('Flags of every command:')}\n${optionLines(globalOptionsOf(command))}`,
    `${style.bold(command.examples.length === 1 ? 'Example:' : 'Examples:')}\n${exampleLines(command)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function summaryLine(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

function exampleLines({ examples }: Command): string {
  return examples.map(({ command, does }) => `  # ${does}\n  ${command}`).join('\n\n');
}

function optionLines(options: OptionTable): string {
  return Object.entries(options)
    .map(([name, option]) => {
      const short = option.short === undefined ? '    ' : `-${option.short}, `;
      const value = option.type === 'string' ? ` ${option.value}` : '';
      const repeat = option.type === 'string' && option.multiple === true ? ' (repeatable)' : '';
      return twoColumns(`  ${short}--${name}${value}`, `${option.help}${repeat}`);
    })
    .join('\n');
}

function twoColumns(left: string, right: string): string {
  return left.length + 2 > COLUMN_WIDTH + 2
    ? `${left}\n${' '.repeat(COLUMN_WIDTH + 2)}${right}`
    : `${left.padEnd(COLUMN_WIDTH + 2)}${right}`;
}

export function groupPage(path: string, summary: string, entries: readonly Entry[], style: Style): string {
  return [
    `${style.bold('Usage:')} cleat ${path} COMMAND`,
    summaryLine(summary),
    `${style.bold('Commands:')}\n${entryLines(entries)}`,
    `"cleat help ${path} COMMAND" tells more about one of them.\n`,
  ].join('\n\n');
}

export function overviewPage(entries: readonly TopEntry[], topics: readonly Topic[], style: Style): string {
  const sections = [...new Set(entries.map(({ section }) => section))].map((section) => {
    const members = entries.filter((entry) => entry.section === section);
    return `${style.bold(`${section}:`)}\n${entryLines(members)}`;
  });
  return [
    `${style.bold('Usage:')} cleat COMMAND [flags]`,
    'Runs containers, and everything around them, on this host.',
    ...sections,
    `${style.bold('Topics:')}\n${topics.map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`).join('\n')}`,
    `${style.bold('Flags of every command:')}\n${optionLines(GLOBAL_OPTIONS)}\n${twoColumns('      --version', 'show the version of this command')}`,
    '"cleat help COMMAND" shows flags and examples of a command, "cleat help TOPIC" a topic.\n',
  ].join('\n\n');
}

function entryLines(entries: readonly Entry[]): string {
  return entries.map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`).join('\n');
}

/** A page that is no command's. */
export interface Topic {
  readonly name: string;
  readonly summary: string;
  readonly text: string;
}
