import { rfc3339 } from './time.ts';

/** A value of a contract as JSON can hold it: times as text, bytes in base64. "cleat help json" tells users. */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value === 0n ? null : rfc3339(value);
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, jsonValue(field)]));
}

/** For people and programs alike. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(jsonValue(value), undefined, 2)}\n`;
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(jsonValue(value))}\n`;
}

/** The object that a text of a contract holds (options and status of claims); the text itself where it is none. */
export function unpacked(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: some plugin's own words.
    return text;
  }
}

/** The object that a JSON text holds; an empty one for everything else. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value = unpacked(text);
  return isRecord(value) ? value : {};
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textAt(value: unknown, name: string): string {
  const found = isRecord(value) ? value[name] : undefined;
  return typeof found === 'string' ? found : '';
}

export function numberAt(value: unknown, name: string): number {
  const found = isRecord(value) ? value[name] : undefined;
  return typeof found === 'number' ? found : 0;
}
