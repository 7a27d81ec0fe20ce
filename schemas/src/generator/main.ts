import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileType, fingerprintOf } from '../codec.ts';
import { writeDocuments } from './documents.ts';
import { goldenOf } from './golden.ts';
import { lintProtocol } from './lint.ts';
import type { ContractFile } from './protocol.ts';
import { fullName, isTypesOnly, readContracts } from './protocol.ts';
import { goldenPath, ReleaseBook, releasedPath } from './release-book.ts';
import { contractsModule, TypeScriptWriter } from './typescript.ts';

const packageFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const generatedFolder = join(packageFolder, 'src', 'generated');

function homesOf(files: readonly ContractFile[]): Map<string, string> {
  return new Map(files.flatMap((file) => [...file.own].map((name) => [name, file.contract] as const)));
}

function writeTypes(files: readonly ContractFile[]): void {
  const homes = homesOf(files);
  const modules = new Set<string>();
  for (const name of readdirSync(generatedFolder)) rmSync(join(generatedFolder, name));
  for (const file of files) {
    const text = new TypeScriptWriter(file, homes).module();
    if (text === undefined) continue;
    modules.add(file.contract);
    writeFileSync(join(generatedFolder, `${file.contract}.ts`), text);
  }
  writeFileSync(join(generatedFolder, 'contracts.ts'), contractsModule(files, modules));
}

function writeReleases(files: readonly ContractFile[], book: ReleaseBook): void {
  for (const file of files) {
    const version = book.headVersion(file);
    book.write(releasedPath(file.contract, version), `${JSON.stringify(file.protocol, null, 1)}\n`);
    book.write(goldenPath(file.contract, version), `${JSON.stringify(goldenOf(file), null, 1)}\n`);
  }
}

/**
 * fingerprint -> [contract, version, full type name], of every released record, so that a reader need not compile all of
 * them. A record is named as its own contract's, in the first version that has it.
 */
function writeIndex(book: ReleaseBook): void {
  const homes: Record<string, readonly [string, string, string]> = {};
  const borrowed: Record<string, readonly [string, string, string]> = {};
  for (const contract of book.contracts()) {
    for (const version of book.versions(contract)) {
      const { namespace, types } = book.protocol(contract, version);
      const registry = {};
      for (const type of types) {
        const fingerprint = fingerprintOf(compileType({ namespace, ...type }, registry));
        const index = (type.namespace ?? namespace) === namespace ? homes : borrowed;
        index[fingerprint] ??= [contract, version, fullName(type.name, type.namespace ?? namespace)];
      }
    }
  }
  const sorted = Object.fromEntries(Object.entries({ ...borrowed, ...homes }).sort());
  writeFileSync(join(packageFolder, 'released', 'index.json'), `${JSON.stringify(sorted, null, 1)}\n`);
}

const files = await readContracts(join(packageFolder, 'contracts'));
const faults = files.flatMap((file) => lintProtocol(file.contract, file.protocol));
if (faults.length > 0) throw new Error(faults.join('\n'));
const book = new ReleaseBook(packageFolder);
writeTypes(files);
const contracts = files.filter((file) => !isTypesOnly(file));
writeReleases(contracts, book);
writeIndex(book);
writeDocuments(files, book, packageFolder);
