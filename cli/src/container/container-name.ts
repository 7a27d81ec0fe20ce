import { usageError } from '../command/usage-error.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export function checkName(name: string): string {
  if (!NAME.test(name)) throw usageError(`--name ${name}: not a letter or digit, followed by letters, digits, "_", "." and "-"`);
  return name;
}

/** A name for a container that was given none: what it is of, and the beginning of its id, so that no two meet. */
export function derivedName(reference: string, id: string): string {
  const last = reference.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const stem = last
    .replace(/[:@].*$/, '')
    .replace(/[^a-zA-Z0-9_.-]/g, '-')
    .replace(/^[^a-zA-Z0-9]+/, '')
    .slice(0, 40);
  return `${stem === '' ? 'container' : stem}-${id.slice(0, 8)}`;
}
