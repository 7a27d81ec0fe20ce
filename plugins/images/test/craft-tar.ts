import { writeFileSync } from 'node:fs';

/** An entry that no honest program would write. */
export interface CraftedEntry {
  readonly name: string;
  /** '0' file, '1' hard link, '2' symbolic link, '3' character device, '5' directory. */
  readonly type?: string;
  readonly link?: string;
  readonly data?: string;
  readonly mode?: number;
  /** PAX records that precede it. */
  readonly pax?: Readonly<Record<string, string>>;
}

/** Writes an archive with exactly these entries. */
export function craftTar(file: string, entries: readonly CraftedEntry[]): string {
  const blocks = entries.flatMap((entry) => (entry.pax === undefined ? encode(entry) : [...encodePax(entry.pax), ...encode(entry)]));
  writeFileSync(file, Buffer.concat([...blocks, Buffer.alloc(1024)]));
  return file;
}

function encodePax(records: Readonly<Record<string, string>>): Buffer[] {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    const digits = String(rest + String(rest).length).length;
    return `${rest + digits} ${key}=${value}\n`;
  });
  return encode({ name: 'pax', type: 'x', data: lines.join('') });
}

function encode({ name, type = '0', link = '', data = '', mode = 0o644 }: CraftedEntry): Buffer[] {
  const body = Buffer.from(data);
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write(`${mode.toString(8).padStart(7, '0')}\0${'0'.repeat(7)}\0${'0'.repeat(7)}\0`, 100);
  block.write(`${body.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0`, 124);
  block.write(type, 156);
  block.write(link, 157);
  block.write('ustar\x0000', 257);
  block.fill(0x20, 148, 156);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return [block, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
}
