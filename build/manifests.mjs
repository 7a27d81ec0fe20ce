// Writes plugins/*/manifest.json from each plugin's own manifest.ts (compiled): the kernel reads the one, the plugin the other.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = join(fileURLToPath(new URL('..', import.meta.url)), 'plugins');
for (const name of readdirSync(folder)) {
  const compiled = join(folder, name, 'dist', 'src', 'manifest.js');
  if (!existsSync(compiled)) continue;
  const { manifest } = await import(pathToFileURL(compiled).href);
  writeFileSync(join(folder, name, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}
