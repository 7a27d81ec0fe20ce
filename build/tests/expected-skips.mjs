import { readFileSync } from 'node:fs';

/**
 * The capabilities that a machine may lack without failing the run: the first word of each line; the rest says why.
 * @param {string} path
 * @returns {ReadonlySet<string>}
 */
export function readExpectedSkips(path) {
  const lines = readFileSync(path, 'utf8').split('\n');
  const words = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  return new Set(words.map((line) => line.split(/\s+/)[0]));
}

/**
 * True for a skip by `needs(...)` of which every missing capability is listed.
 * @param {string} reason
 * @param {ReadonlySet<string>} expected
 */
export function isExpectedSkip(reason, expected) {
  const names = /^needs (.+)$/.exec(reason)?.[1].split(', ');
  return names?.every((name) => expected.has(name)) ?? false;
}
