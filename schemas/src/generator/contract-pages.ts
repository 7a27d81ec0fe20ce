import type { ContractModel } from './contract-model.ts';
import { cell, GENERATED, table } from './markdown.ts';
import type { FieldSchema, NamedSchema } from './protocol.ts';
import { fullName } from './protocol.ts';

/** One page a contract, and the page that lists them: file name -> text. */
export function contractPages(contracts: readonly ContractModel[]): ReadonlyMap<string, string> {
  const homes = new Map(
    contracts.flatMap(({ name, types, file }) => types.map((type) => [fullName(type.name, file.protocol.namespace), name] as const)),
  );
  return new Map([
    ['README.md', indexPage(contracts)],
    ...contracts.map((contract) => [`${contract.name}.md`, new ContractPage(contract, homes).text()] as const),
  ]);
}

function indexPage(contracts: readonly ContractModel[]): string {
  const rows = contracts.map(({ name, version, doc, facts }) => [`[${name}](${name}.md)`, version, firstSentence(doc), facts.answeredBy]);
  return (
    [
      GENERATED,
      '# Contracts',
      'Every message on the bus is a record of one of these. The whole of it as one machine-readable document: [asyncapi.json](../asyncapi.json). Events: [events.md](../events.md).',
      table(['contract', 'version', 'what it is', 'answered by'], rows),
      'A version is `major.minor`. Within a major every version can talk to every other; a plugin says which ones it can and the kernel picks the highest that both know ([handshake](../../plugin-authors/handshake.md)).',
    ].join('\n\n') + '\n'
  );
}

class ContractPage {
  readonly #contract: ContractModel;
  /** Full name of a record -> contract. */
  readonly #homes: ReadonlyMap<string, string>;

  constructor(contract: ContractModel, homes: ReadonlyMap<string, string>) {
    this.#contract = contract;
    this.#homes = homes;
  }

  text(): string {
    const { name, version, doc, types } = this.#contract;
    const parts = [GENERATED, `# ${name}@${version}`, doc, ...this.#calls()];
    if (types.length > 0) parts.push('## Records', ...types.map((type) => this.#type(type)));
    return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
  }

  #calls(): readonly string[] {
    const { name, facts, operations } = this.#contract;
    const facets: string[][] = [['answered by', facts.answeredBy]];
    for (const address of facts.addresses) facets.push(['subject', `\`rpc.{caller}.${address}.{operation}\``]);
    if (facts.grant !== '') facets.push(['needs in `uses`', facts.grant]);
    const rows = operations.map(({ name: operation, request, response, doc }) => [
      `\`${name}.${operation}\``,
      this.#link(request),
      this.#link(response),
      doc === '' ? this.#docOf(request) : doc,
    ]);
    const parts = [table(['', ''], facets)];
    if (rows.length > 0) parts.push('## Operations', table(['operation', 'takes', 'answers', ''], rows));
    return parts;
  }

  #docOf(record: string): string {
    const { types, file } = this.#contract;
    return types.find((type) => fullName(type.name, file.protocol.namespace) === record)?.doc ?? '';
  }

  #type(type: NamedSchema): string {
    const parts = [`### ${type.name}`, type.doc ?? ''];
    if (type.type === 'enum') parts.push((type.symbols ?? []).map((symbol) => `\`${symbol}\``).join(', '));
    else if ((type.fields ?? []).length === 0) parts.push('No fields.');
    else
      parts.push(
        table(
          ['field', 'type', 'default', ''],
          (type.fields ?? []).map((field) => this.#field(field)),
        ),
      );
    return parts.filter((part) => part !== '').join('\n\n');
  }

  #field(field: FieldSchema): readonly string[] {
    const fallback = field.default === undefined ? 'required' : `\`${JSON.stringify(field.default)}\``;
    const note = field.deprecated === undefined ? '' : ` Deprecated: ${field.deprecated}`;
    return [`\`${field.name}\``, this.#typeText(field.type), fallback, `${field.doc ?? ''}${note}`.trim()];
  }

  #typeText(schema: unknown): string {
    if (typeof schema === 'string') {
      const name = fullName(schema, this.#contract.file.protocol.namespace);
      return this.#homes.has(name) ? this.#link(name) : schema;
    }
    if (Array.isArray(schema))
      return schema
        .map((branch) => this.#typeText(branch))
        .reverse()
        .join(' or ');
    if (typeof schema !== 'object' || schema === null) return '';
    if ('items' in schema) return `array of ${this.#typeText(schema.items)}`;
    if ('values' in schema) return `map of ${this.#typeText(schema.values)}`;
    if ('logicalType' in schema && schema.logicalType === 'timestamp-nanos') return 'long, ns since 1970';
    return 'type' in schema ? this.#typeText(schema.type) : '';
  }

  #link(name: string): string {
    const home = this.#homes.get(name);
    const short = name.slice(name.lastIndexOf('.') + 1);
    const anchor = `#${short.toLowerCase()}`;
    return home === this.#contract.name ? `[${short}](${anchor})` : `[${home ?? ''}.${short}](${home ?? ''}.md${anchor})`;
  }
}

function firstSentence(doc: string): string {
  return cell(/^[^]*?[.](?=\s|$)/.exec(doc)?.[0] ?? doc);
}
