import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileType, fingerprintOf } from '../codec.ts';
import { lintProtocol } from './lint.ts';
import type { ContractFile } from './protocol.ts';
import { fullName, readContracts } from './protocol.ts';
import { contractsModule, TypeScriptWriter } from './typescript.ts';

/** The version that the files in schemas/contracts are; raised when a released one has to change. */
const HEAD_VERSION = '1.0';

const packageFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const generatedFolder = join(packageFolder, 'src', 'generated');
const releasedFolder = join(packageFolder, 'released');

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

function writeReleases(files: readonly ContractFile[]): void {
  for (const file of files.filter(({ contract }) => !contract.endsWith('-types'))) {
    const folder = join(releasedFolder, file.contract);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${HEAD_VERSION}.json`), `${JSON.stringify(file.protocol, null, 1)}\n`);
  }
}

/** fingerprint -> [contract, version, full type name], of every released record, so that a reader need not compile all of them. */
function writeIndex(files: readonly ContractFile[]): void {
  const index: Record<string, readonly [string, string, string]> = {};
  for (const file of files.filter(({ contract }) => !contract.endsWith('-types'))) {
    const registry = {};
    for (const type of file.protocol.types) {
      const compiled = compileType({ namespace: file.protocol.namespace, ...type }, registry);
      const fingerprint = fingerprintOf(compiled);
      index[fingerprint] ??= [
        file.contract,
        HEAD_VERSION,
        fullName(type.name, type.namespace ?? file.protocol.namespace),
      ];
    }
  }
  const sorted = Object.fromEntries(Object.entries(index).sort());
  writeFileSync(join(releasedFolder, 'index.json'), `${JSON.stringify(sorted, null, 1)}\n`);
}

const files = await readContracts(join(packageFolder, 'contracts'));
const faults = files.flatMap((file) => lintProtocol(file.contract, file.protocol));
if (faults.length > 0) throw new Error(faults.join('\n'));
writeTypes(files);
writeReleases(files);
writeIndex(files);
