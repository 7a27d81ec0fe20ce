/** What of a protocol a schema is made of: its named types, which may refer to each other by name. */
export interface TypesDocument {
  readonly namespace: string;
  readonly types: readonly { readonly name: string; readonly namespace?: string }[];
}

/** Full name of a type in a namespace. */
export function qualified(name: string, namespace: string): string {
  return name.includes('.') ? name : `${namespace}.${name}`;
}

/**
 * One type of a protocol as a schema that stands alone: every named type is written out where it is first mentioned and
 * named afterwards, as the Avro specification wants it. Docs, defaults and logical types stay. Throws an Error for a name
 * that the protocol does not define.
 */
export function selfContained(document: TypesDocument, fullName: string): Readonly<Record<string, unknown>> {
  const types = new Map(document.types.map((type) => [qualified(type.name, type.namespace ?? document.namespace), type] as const));
  const written = new Set<string>();

  const named = (name: string): unknown => {
    if (written.has(name)) return name;
    const type = types.get(name);
    if (type === undefined) throw new Error(`${name} is not defined in the protocol ${document.namespace}`);
    written.add(name);
    const namespace = type.namespace ?? document.namespace;
    const { name: short, ...rest } = type;
    const plain: Readonly<Record<string, unknown>> = rest;
    const { fields, ...others } = plain;
    const head = { ...others, name: short, namespace };
    return Array.isArray(fields) ? { ...head, fields: fields.map((field: unknown) => part(field, namespace)) } : head;
  };

  const part = (schema: unknown, namespace: string): unknown => {
    if (typeof schema === 'string') {
      return types.has(qualified(schema, namespace)) ? named(qualified(schema, namespace)) : schema;
    }
    if (Array.isArray(schema)) return schema.map((branch: unknown) => part(branch, namespace));
    if (typeof schema !== 'object' || schema === null) return schema;
    const inner = (key: string, value: unknown): unknown =>
      key === 'type' || key === 'items' || key === 'values' ? part(value, namespace) : value;
    return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, inner(key, value)]));
  };

  const result = named(fullName);
  if (typeof result !== 'object' || result === null) throw new Error(`${fullName} is not a named type`);
  return result as Readonly<Record<string, unknown>>;
}
