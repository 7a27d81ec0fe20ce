import { CleatError } from '@cleat/schemas';

/** Gives the faults of a value; empty when it fits. */
export type Check = (value: unknown) => readonly string[];

const MAX_PATTERN = 200;
let ajvLoad: Promise<(schema: object) => Check> | undefined;

/** Compiles a JSON Schema (draft 7 or 2020-12). Loaded with the first schema: 15 ms that a process without one does not pay. */
export async function compileJsonSchema(schema: Readonly<Record<string, unknown>>): Promise<Check> {
  if (hasLongPattern(schema))
    throw new CleatError('invalid_argument', 'SCHEMA_PATTERN', `a schema may not have a pattern of over ${MAX_PATTERN} characters`);
  ajvLoad ??= loadAjv();
  try {
    return (await ajvLoad)(schema);
  } catch (cause) {
    throw new CleatError(
      'invalid_argument',
      'SCHEMA_INVALID',
      `not a usable JSON Schema: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

async function loadAjv(): Promise<(schema: object) => Check> {
  const { Ajv } = await import('ajv');
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  return (schema) => {
    const validate = ajv.compile(schema);
    return (value) => {
      if (validate(value)) return [];
      return (validate.errors ?? []).map(
        (fault) =>
          `${fault.instancePath === '' ? '' : `${fault.instancePath.slice(1)}: `}${fault.message ?? 'does not fit'}${detail(fault.params)}`,
      );
    };
  };
}

function detail(params: unknown): string {
  if (typeof params !== 'object' || params === null || !('additionalProperty' in params)) return '';
  return ` (${String(params.additionalProperty)})`;
}

/** Such a pattern could take for ever on a text that a user gives. */
function hasLongPattern(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  return Object.entries(schema).some(
    ([key, value]) => (key === 'pattern' && typeof value === 'string' && value.length > MAX_PATTERN) || hasLongPattern(value),
  );
}
