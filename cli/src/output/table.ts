const GAP = 3;

/** Columns of text under their headings; the last one is not filled up. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map((row) => printable(row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? printable(cell) : printable(cell).padEnd((widths[column] ?? 0) + GAP)))
      .join('')
      .trimEnd();
  return `${[headings, ...rows].map(line).join('\n')}\n`;
}

/** Names and command lines come from anywhere: they must not steer the terminal that shows them. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** At most so many characters, the last of them an ellipsis where something was cut off. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
