import { helpText } from '../command/dispatch.ts';
import type { Entry } from '../command/entry.ts';
import { TOPICS } from '../command/topics.ts';
import { COMMANDS } from '../commands/index.ts';

const PLAIN = { bold: (text: string): string => text };

/** docs/reference/cli.md: every help page, in the order of "cleat help". */
export async function referencePage(): Promise<string> {
  const parts = [
    '# The cleat command',
    'Generated from the help pages of the command by `node cli/dist/src/docs/main.js`: do not edit. `cleat help COMMAND` shows the same.',
    fenced(await helpText([], PLAIN)),
  ];
  for (const topic of TOPICS) parts.push(`## ${topic.name}`, fenced(topic.text));
  for (const path of await allPaths(COMMANDS, [])) parts.push(`## cleat ${path.join(' ')}`, fenced(await helpText(path, PLAIN)));
  return `${parts.join('\n\n')}\n`;
}

/** The words of every command and group, a group before its own. */
export async function allPaths(entries: readonly Entry[], parents: readonly string[]): Promise<readonly (readonly string[])[]> {
  const paths: (readonly string[])[] = [];
  for (const entry of entries) {
    const path = [...parents, entry.name];
    paths.push(path);
    const loaded = await entry.load();
    if (loaded.type === 'group') paths.push(...(await allPaths(loaded.entries, path)));
  }
  return paths;
}

function fenced(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\``;
}
