import { type ContractFacts, contractFacts } from './contract-facts.ts';
import type { ContractFile, NamedSchema } from './protocol.ts';
import { fullName, isTypesOnly } from './protocol.ts';
import type { ReleaseBook } from './release-book.ts';

/** One operation, its records by their full names. */
export interface OperationModel {
  readonly name: string;
  readonly doc: string;
  readonly request: string;
  readonly response: string;
}

/** A contract as documents tell of it. */
export interface ContractModel {
  readonly name: string;
  readonly version: string;
  readonly doc: string;
  readonly facts: ContractFacts;
  readonly file: ContractFile;
  readonly operations: readonly OperationModel[];
  /** The records and enums that are the contract's own, in the order of their definition. */
  readonly types: readonly NamedSchema[];
}

/** Every contract of the tree, in the order of their names. */
export function contractModels(files: readonly ContractFile[], book: ReleaseBook): readonly ContractModel[] {
  return files
    .filter((file) => !isTypesOnly(file))
    .map((file) => {
      const { contract, protocol } = file;
      const named = (type: string): string => fullName(type, protocol.namespace);
      return {
        name: contract,
        version: book.headVersion(file),
        doc: protocol.doc ?? '',
        facts: contractFacts(contract),
        file,
        operations: Object.entries(protocol.messages).map(([name, { doc, request, response }]) => ({
          name,
          doc: doc ?? '',
          request: named(request[0]?.type ?? 'cleat.common.v1.Empty'),
          response: named(response),
        })),
        types: protocol.types.filter((type) => (type.namespace ?? protocol.namespace) === protocol.namespace),
      };
    });
}
