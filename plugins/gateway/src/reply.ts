import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyReply } from 'fastify';
import { adapted, type ShapeName } from './versions/adapters.ts';
import type { ApiVersion } from './versions/version.ts';
import type { JsonObject } from './wire/json.ts';

/** JSON text as it is; as bytes, since to a text fastify adds a charset, and then Docker's client shows the JSON instead of the message in it. */
export function sendText(reply: FastifyReply, text: string, status = 200): FastifyReply {
  return reply.code(status).header('content-type', 'application/json').send(Buffer.from(text));
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

/**
 * Sends a body that may be long in coming: the head goes out at once, since clients take it as the word that the stream has begun.
 * What fails later can only be told by cutting the connection.
 */
export function sendLive(reply: FastifyReply, mediaType: string, body: Readable): FastifyReply {
  const { raw } = reply;
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) raw.setHeader(name, value);
  }
  raw.setHeader('content-type', mediaType);
  raw.flushHeaders();
  pipeline(body, raw).catch(() => raw.destroy());
  return reply;
}
