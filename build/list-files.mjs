import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const SKIPPED = new Set(['node_modules', 'dist', 'generated', '.git', '.tap']);

/**
 * All files below a folder whose name ends as told; not those that are built, generated or of others.
 * @param {string} folder
 * @param {string} ending
 * @returns {string[]}
 */
export function listFiles(folder, ending) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listFiles(path, ending);
    return entry.name.endsWith(ending) ? [path] : [];
  });
}
