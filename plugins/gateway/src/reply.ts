import type { FastifyReply } from 'fastify';
import { adapted, type ShapeName } from './versions/adapters.ts';
import type { ApiVersion } from './versions/version.ts';
import type { JsonObject } from './wire/json.ts';

/** JSON text as it is. */
export function sendText(reply: FastifyReply, text: string, status = 200): FastifyReply {
  return reply.code(status).header('content-type', 'application/json').send(text);
}

/** A value that every version has alike. */
export function sendJson(reply: FastifyReply, value: unknown, status = 200): FastifyReply {
  return sendText(reply, `${JSON.stringify(value)}\n`, status);
}

/** An object of a shape that older clients know differently. */
export function sendShape(reply: FastifyReply, shape: ShapeName, version: ApiVersion, value: JsonObject): FastifyReply {
  return sendJson(reply, adapted(shape, version, value));
}

export function sendNothing(reply: FastifyReply, status = 204): FastifyReply {
  return reply.code(status).send();
}
