// "npm run release-contracts": what the contracts are now becomes released, and can never change again.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTypesOnly, readContracts } from './protocol.ts';
import { ReleaseBook } from './release-book.ts';

const packageFolder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const contracts = (await readContracts(join(packageFolder, 'contracts'))).filter((file) => !isTypesOnly(file));
const book = new ReleaseBook(packageFolder);
const faults = book.faults(contracts);
if (faults.length > 0) throw new Error(faults.join('\n'));
for (const path of book.freeze()) process.stdout.write(`released ${path}\n`);
