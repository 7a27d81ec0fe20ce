import { CleatError } from '@cleat/schemas';

// Paths inside a layer are latin1 strings, one character a byte, without a leading slash; the root is ''.

/** A path of an archive in its plain form. Errors: IMAGE_LAYER_PATH_ESCAPES for one that leaves the root. */
export function cleanPath(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) {
      throw new CleatError(
        'invalid_argument',
        'IMAGE_LAYER_PATH_ESCAPES',
        `the layer holds the path ${JSON.stringify(name)}, which leaves its root`,
      );
    }
  }
  return parts.join('/');
}

export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** Directory and last component. */
export function splitPath(path: string): [directory: string, base: string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
}

/** The path on the host, as bytes. */
export function hostPath(root: string, path: string): Buffer {
  const prefix = Buffer.from(path === '' ? root : `${root}/`);
  return Buffer.concat([prefix, Buffer.from(path, 'latin1')]);
}
