import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import avro from 'avsc';

/** A field of a record in a protocol. */
export interface FieldSchema {
  readonly name: string;
  readonly type: unknown;
  readonly doc?: string;
  readonly default?: unknown;
  /** What to use instead: set by `@deprecated("...")` before the field's name, one version before it goes. */
  readonly deprecated?: string;
}

/** A record or enum of a protocol. */
export interface NamedSchema {
  readonly type: 'record' | 'enum';
  readonly name: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly fields?: readonly FieldSchema[];
  readonly symbols?: readonly string[];
  readonly default?: string;
}

/** An operation of a contract. */
export interface OperationSchema {
  readonly doc?: string;
  readonly request: readonly { readonly name: string; readonly type: string }[];
  readonly response: string;
}

/** A contract as JSON (Avro specification, "Protocol Declaration"). */
export interface Protocol {
  readonly protocol: string;
  readonly namespace: string;
  readonly doc?: string;
  readonly types: readonly NamedSchema[];
  readonly messages: Readonly<Record<string, OperationSchema>>;
}

/** A contract file read whole: its protocol with all imports, and the names that the file itself defines. */
export interface ContractFile {
  readonly contract: string;
  readonly protocol: Protocol;
  readonly own: ReadonlySet<string>;
}

/** Full name of a type in a protocol. */
export function fullName(name: string, namespace: string): string {
  return name.includes('.') ? name : `${namespace}.${name}`;
}

function assemble(path: string): Promise<Protocol> {
  return new Promise((resolve, reject) => {
    avro.assembleProtocol(path, (error: Error | undefined, protocol: unknown) => {
      if (error) reject(new Error(`${path}: ${error.message}`, { cause: error }));
      else resolve(protocol as Protocol);
    });
  });
}

/** Files with types alone come before the contract that uses just the same types. */
function weight(protocol: Protocol): number {
  return protocol.types.length * 1000 + Object.keys(protocol.messages ?? {}).length;
}

/** Reads every contract of a folder. A type belongs to the first file, in order of fewest imports, that has it. */
export async function readContracts(folder: string): Promise<readonly ContractFile[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.avdl'));
  const protocols = await Promise.all(
    files.map(async (name) => ({ contract: basename(name, '.avdl'), protocol: await assemble(join(folder, name)) })),
  );
  protocols.sort((left, right) => weight(left.protocol) - weight(right.protocol));
  const taken = new Map<string, string>();
  const result = protocols.map(({ contract, protocol }) => {
    const own = new Set<string>();
    for (const type of protocol.types) {
      const name = fullName(type.name, type.namespace ?? protocol.namespace);
      if (taken.has(name)) continue;
      taken.set(name, contract);
      own.add(name);
    }
    return { contract, protocol: { ...protocol, messages: protocol.messages ?? {} }, own };
  });
  return result.sort((left, right) => (left.contract < right.contract ? -1 : 1));
}

/** True for a file that holds types which several contracts share: it is no contract of its own. */
export function isTypesOnly({ contract }: ContractFile): boolean {
  return contract.endsWith('-types');
}
