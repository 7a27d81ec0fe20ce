// Deletes every dist folder: a test whose source was deleted would live on there.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const parents = ['.', 'plugins', 'examples', 'test'].map((name) => join(root, name));

for (const folder of parents.flatMap(foldersOf)) rmSync(join(folder, 'dist'), { recursive: true, force: true });

function foldersOf(parent) {
  if (!existsSync(parent)) return [];
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
    .map((entry) => join(parent, entry.name));
}
