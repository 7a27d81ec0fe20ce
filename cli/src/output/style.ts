/** Marks of text on a terminal; each gives the text back unchanged where there is no colour. */
export interface Painter {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

function painted(code: number): (text: string) => string {
  return (text) => `\u001b[${code}m${text}\u001b[0m`;
}

const COLORED: Painter = { bold: painted(1), dim: painted(2), red: painted(31), green: painted(32), yellow: painted(33) };

function plain(text: string): string {
  return text;
}

const PLAIN: Painter = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };

export function painter(hasColor: boolean): Painter {
  return hasColor ? COLORED : PLAIN;
}

/** Colour is for a terminal, and for who has not said no to it. */
export function wantsColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}
