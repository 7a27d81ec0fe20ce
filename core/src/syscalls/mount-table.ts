import { readFileSync } from 'node:fs';

/** One line of /proc/self/mountinfo. */
export interface MountEntry {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of the device. */
  readonly device: string;
  /** The directory of the file system that is mounted here. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  /** Propagation: `shared:N`, `master:N`, ... */
  readonly propagation: readonly string[];
  readonly fsType: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function parseLine(line: string): MountEntry | undefined {
  const fields = line.split(' ');
  // Optional fields of any number stand before a lone hyphen.
  const separator = fields.indexOf('-', 6);
  const [id, parent, device, root, mountPoint, options] = fields;
  const [fsType, source, superOptions] = separator < 0 ? [] : fields.slice(separator + 1);
  if (id === undefined || parent === undefined || device === undefined || root === undefined || mountPoint === undefined) return undefined;
  if (options === undefined || fsType === undefined || source === undefined) return undefined;
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: unescape(root),
    mountPoint: unescape(mountPoint),
    options: options.split(','),
    propagation: fields.slice(6, separator),
    fsType,
    source: unescape(source),
    superOptions: (superOptions ?? '').split(','),
  };
}

export function parseMountInfo(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? []);
}

/** What is mounted in this process's mount namespace, in the kernel's order: later entries lie on top of earlier ones. */
export function mountTable(): MountEntry[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}
