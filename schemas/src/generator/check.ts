// Checks the contracts against every released version; prints one line a fault, or how much was compared. Exit code 1 on a fault.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lintProtocol } from './lint.ts';
import { isTypesOnly, readContracts } from './protocol.ts';
import { ReleaseBook } from './release-book.ts';

const packageFolder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const contracts = (await readContracts(join(packageFolder, 'contracts'))).filter((file) => !isTypesOnly(file));
const book = new ReleaseBook(packageFolder);
const faults = [...contracts.flatMap((file) => lintProtocol(file.contract, file.protocol)), ...book.faults(contracts)];
for (const fault of faults) process.stdout.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
const versions = contracts.reduce((sum, { contract }) => sum + book.versions(contract).length, 0);
process.stderr.write(`${contracts.length} contracts, ${versions} versions\n`);
