import type { IncomingMessage } from 'node:http';
import { badRequest, HttpError } from './errors.ts';
import { Fields } from './wire/fields.ts';

/** Far above any container that the kernel takes. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;
/** A client that stops in the middle of a body is given up. */
const BODY_IDLE_MS = 60_000;

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => request.destroy(new HttpError(408, 'the request body did not arrive in time')), BODY_IDLE_MS);
  try {
    for await (const part of request) {
      if (!Buffer.isBuffer(part)) throw badRequest('invalid request body');
      timer.refresh();
      size += part.length;
      if (size > MAX_JSON_BYTES) throw new HttpError(413, `the request body is larger than ${MAX_JSON_BYTES} bytes`);
      parts.push(part);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(parts).toString('utf8');
}

function checkContentType(request: IncomingMessage): void {
  const type = request.headers['content-type'];
  if (type === undefined || type === '') return;
  const base = type.split(';')[0]?.trim().toLowerCase();
  if (base !== 'application/json') {
    throw badRequest(`unsupported Content-Type header (${base}): must be 'application/json'`);
  }
}

/** The members of a JSON body; undefined when there is none. */
export async function readOptionalJson(request: IncomingMessage, name: string): Promise<Fields | undefined> {
  const text = await readText(request);
  if (text.trim() === '') return undefined;
  checkContentType(request);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`invalid JSON: ${error instanceof Error ? error.message : 'not JSON'}`);
  }
  return new Fields(value, name);
}

export async function readJson(request: IncomingMessage, name: string): Promise<Fields> {
  const fields = await readOptionalJson(request, name);
  if (fields === undefined) throw badRequest('invalid JSON: got EOF while reading request body');
  return fields;
}
