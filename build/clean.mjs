// Deletes every dist folder: a test whose source was deleted would live on there.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = [root, join(root, 'plugins'), join(root, 'examples')].flatMap(foldersOf);

for (const folder of packages) rmSync(join(folder, 'dist'), { recursive: true, force: true });

function foldersOf(parent) {
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
    .map((entry) => join(parent, entry.name));
}
