import type { Command } from './command.ts';

export type Section = 'Platform' | 'Containers' | 'Objects' | 'Events' | 'Plugins' | 'Help';

/** A command that reads its own command line. */
export interface RawCommand {
  readonly help: string;
  execute(argv: readonly string[]): Promise<number>;
}

export type Loaded =
  | { readonly type: 'command'; readonly command: Command }
  | { readonly type: 'raw'; readonly raw: RawCommand }
  | { readonly type: 'group'; readonly entries: readonly Entry[] };

/** A word of the command line and what stands behind it, which is loaded when it is used and not before. */
export interface Entry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Loaded>;
}

export interface TopEntry extends Entry {
  readonly section: Section;
}

/** An entry whose command is one export of a module. */
export function leaf(name: string, summary: string, load: () => Promise<Command>): Entry {
  return { name, summary, load: async () => ({ type: 'command', command: await load() }) };
}
