import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Command } from '../src/command/command.ts';
import { helpText } from '../src/command/dispatch.ts';
import type { Entry } from '../src/command/entry.ts';
import { globalOptionsOf } from '../src/command/help-page.ts';
import { parseCommandLine } from '../src/command/parser.ts';
import { TOPICS } from '../src/command/topics.ts';
import { COMMANDS } from '../src/commands/index.ts';
import { allPaths, referencePage } from '../src/docs/reference.ts';

const PLAIN = { bold: (text: string): string => text };

t.test('every page fits a terminal and ends with a line feed', async (t) => {
  const paths = [[], ...TOPICS.map(({ name }) => [name]), ...(await allPaths(COMMANDS, []))];
  t.ok(paths.length > 50);
  for (const path of paths) {
    const page = await helpText(path, PLAIN);
    t.ok(page.endsWith('\n') && !page.endsWith('\n\n'), path.join(' '));
    for (const line of page.split('\n')) t.ok(line.length <= 130, `${path.join(' ')}: ${line}`);
  }
});

t.test('every command has examples, and its flags are in them as it reads them', async (t) => {
  const commands = await allCommands(COMMANDS, []);
  t.ok(commands.length > 40);
  for (const { path, command } of commands) {
    t.ok(command.examples.length > 0, `${path} has an example`);
    t.ok(
      command.usage.every((line) => line.startsWith(path)),
      `the usage of ${path} names it`,
    );
    const own = command.examples.filter((example) => example.command.includes(`cleat ${path}`));
    t.ok(own.length > 0, `an example of ${path} is about it`);
    for (const example of own) {
      const words = shellWords(example.command.slice(example.command.indexOf(`cleat ${path}`) + `cleat ${path}`.length));
      t.doesNotThrow(
        () => parseCommandLine(words, { ...command.options, ...globalOptionsOf(command) }, { passesOn: command.passesOn }),
        example.command,
      );
    }
  }
});

t.test('no two flags of a command have one letter', async (t) => {
  for (const { path, command } of await allCommands(COMMANDS, [])) {
    const letters = Object.values({ ...command.options, ...globalOptionsOf(command) }).flatMap(({ short }) => short ?? []);
    t.equal(new Set(letters).size, letters.length, path);
  }
});

t.test('docs/reference/cli.md is what the help pages say', async (t) => {
  const path = fileURLToPath(new URL('../../../docs/reference/cli.md', import.meta.url));
  t.equal(readFileSync(path, 'utf8'), await referencePage(), 'node cli/dist/src/docs/main.js writes it anew');
});

interface Found {
  readonly path: string;
  readonly command: Command;
}

async function allCommands(entries: readonly Entry[], parents: readonly string[]): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const entry of entries) {
    const path = [...parents, entry.name];
    const loaded = await entry.load();
    if (loaded.type === 'group') found.push(...(await allCommands(loaded.entries, path)));
    if (loaded.type === 'command') found.push({ path: path.join(' '), command: loaded.command });
  }
  return found;
}

/** The words of a command line up to the next program: quotes are the only thing that examples have of a shell. */
function shellWords(text: string): readonly string[] {
  const words = text.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? [];
  const end = words.findIndex((word) => ['|', '>', '2>&1', '<', ';', '&&'].includes(word) || word.startsWith('$(') || word === ')');
  return (end < 0 ? words : words.slice(0, end)).map((word) => word.replace(/^['"]|['"]$/g, '').replace(/\)$/, ''));
}
