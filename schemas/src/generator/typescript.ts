import type { ContractFile, FieldSchema, NamedSchema } from './protocol.ts';
import { fullName } from './protocol.ts';

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: 'string',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'Uint8Array',
  null: 'null',
};

/** Writes the TypeScript module of one contract: `X` is what decoding gives, `XInput` what encoding takes. */
export class TypeScriptWriter {
  readonly #file: ContractFile;
  /** Full type name -> module that has it. */
  readonly #homes: ReadonlyMap<string, string>;
  readonly #imports = new Map<string, Set<string>>();

  constructor(file: ContractFile, homes: ReadonlyMap<string, string>) {
    this.#file = file;
    this.#homes = homes;
  }

  /** The module's text; undefined when the file has nothing of its own. */
  module(): string | undefined {
    const { protocol, own } = this.#file;
    const bodies = protocol.types
      .filter((type) => own.has(fullName(type.name, type.namespace ?? protocol.namespace)))
      .map((type) => this.#named(type));
    const operations = this.#operations();
    if (operations !== '') bodies.push(operations);
    if (bodies.length === 0) return undefined;
    return `${this.#header()}\n${bodies.join('\n')}`;
  }

  #header(): string {
    const lines = [`// Generated from schemas/contracts/${this.#file.contract}.avdl by "npm run generate": do not edit.`];
    for (const [module, names] of [...this.#imports].sort()) {
      lines.push(`import type { ${[...names].sort().join(', ')} } from './${module}.ts';`);
    }
    return `${lines.join('\n')}\n`;
  }

  #named(type: NamedSchema): string {
    if (type.type === 'enum') {
      const symbols = (type.symbols ?? []).map((symbol) => `'${symbol}'`).join(' | ');
      return `${comment(type.doc, '')}export type ${type.name} = ${symbols};\n\nexport type ${type.name}Input = ${type.name};\n`;
    }
    const fields = type.fields ?? [];
    const namespace = type.namespace ?? this.#file.protocol.namespace;
    return [
      `${comment(type.doc, '')}export interface ${type.name} {`,
      ...fields.map((field) => this.#field(field, namespace, '')),
      '}\n',
      `/** What encoding takes for a ${type.name}: fields with a default may be left out. */`,
      `export interface ${type.name}Input {`,
      ...fields.map((field) => this.#field(field, namespace, 'Input')),
      '}\n',
    ].join('\n');
  }

  #field(field: FieldSchema, namespace: string, suffix: string): string {
    const type = this.#type(field.type, namespace, suffix);
    if (suffix === '') return `${comment(docOf(field), '  ')}  readonly ${field.name}: ${type};`;
    return field.default === undefined ? `  readonly ${field.name}: ${type};` : `  readonly ${field.name}?: ${type} | undefined;`;
  }

  #type(schema: unknown, namespace: string, suffix: string): string {
    if (typeof schema === 'string') return PRIMITIVES[schema] ?? this.#reference(fullName(schema, namespace), suffix);
    if (Array.isArray(schema)) return schema.map((part) => this.#type(part, namespace, suffix)).join(' | ');
    if (typeof schema !== 'object' || schema === null) throw new Error('not an Avro schema');
    return this.#composed(schema, namespace, suffix);
  }

  #composed(schema: object, namespace: string, suffix: string): string {
    if ('items' in schema) return `ReadonlyArray<${this.#type(schema.items, namespace, suffix)}>`;
    if ('values' in schema) return `Readonly<Record<string, ${this.#type(schema.values, namespace, suffix)}>>`;
    if ('logicalType' in schema && schema.logicalType === 'timestamp-nanos') return 'bigint';
    if (!('type' in schema)) throw new Error('not an Avro schema');
    return this.#type(schema.type, namespace, suffix);
  }

  #reference(name: string, suffix: string): string {
    const home = this.#homes.get(name);
    if (home === undefined) throw new Error(`${name} is defined nowhere`);
    const short = `${name.slice(name.lastIndexOf('.') + 1)}${suffix}`;
    if (home === this.#file.contract) return short;
    const alias = `${pascal(home)}${short}`;
    const names = this.#imports.get(home) ?? new Set<string>();
    names.add(`${short} as ${alias}`);
    this.#imports.set(home, names);
    return alias;
  }

  #operations(): string {
    const { protocol } = this.#file;
    const lines = Object.entries(protocol.messages).map(([name, message]) => {
      const request = message.request[0]?.type ?? 'cleat.common.v1.Empty';
      const input = this.#reference(fullName(request, protocol.namespace), 'Input');
      const decoded = this.#reference(fullName(request, protocol.namespace), '');
      const output = this.#reference(fullName(message.response, protocol.namespace), '');
      const answer = this.#reference(fullName(message.response, protocol.namespace), 'Input');
      return `${comment(message.doc, '  ')}  readonly ${name}: { readonly input: ${input}; readonly request: ${decoded}; readonly response: ${output}; readonly answer: ${answer} };`;
    });
    if (lines.length === 0) return '';
    return `/** The operations of the contract ${this.#file.contract}. */\nexport interface Operations {\n${lines.join('\n')}\n}\n`;
  }
}

function pascal(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}

function docOf({ doc, deprecated }: FieldSchema): string | undefined {
  if (deprecated === undefined) return doc;
  return `${doc === undefined ? '' : `${doc}\n`}@deprecated ${deprecated}`;
}

function comment(doc: string | undefined, indent: string): string {
  if (doc === undefined || doc === '') return '';
  const lines = doc.split('\n');
  if (lines.length === 1) return `${indent}/** ${doc} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

/** The module that names every contract: `import type { container } from '@cleat/schemas'`. */
export function contractsModule(files: readonly ContractFile[], modules: ReadonlySet<string>): string {
  const lines = ['// Generated by "npm run generate": do not edit.'];
  const withOperations = files.filter((file) => Object.keys(file.protocol.messages).length > 0);
  for (const file of withOperations) {
    lines.push(`import type { Operations as ${pascal(file.contract)}Operations } from './${file.contract}.ts';`);
  }
  for (const file of files) {
    if (modules.has(file.contract)) lines.push(`export type * as ${camel(file.contract)} from './${file.contract}.ts';`);
  }
  lines.push('\n/** Every contract with its operations. */\nexport interface Contracts {');
  for (const file of withOperations) lines.push(`  readonly ${file.contract}: ${pascal(file.contract)}Operations;`);
  lines.push('}\n');
  return lines.join('\n');
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
