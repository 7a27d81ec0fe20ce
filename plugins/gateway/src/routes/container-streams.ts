import type { Socket } from 'node:net';
import type { container, containerTypes, log } from '@cleat/schemas';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { badRequest, unsupported } from '../errors.ts';
import { type Hijacker, openTicket, streamHead } from '../hijack.ts';
import { pathPart, Query } from '../query.ts';
import { sendJson, sendLive } from '../reply.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { adapted, modernised } from '../versions/adapters.ts';
import { stringAt } from '../wire/json.ts';
import { parseTime } from '../wire/time.ts';
import { findContainer, onContainer } from './container-lookup.ts';

export interface StreamParts {
  readonly hijacker: Hijacker;
}

const CONDITIONS: ReadonlySet<string> = new Set(['', 'not-running', 'next-exit', 'removed']);

export function containerStreamRoutes(parts: StreamParts): (app: FastifyInstance) => void {
  return (app) => {
    app.post('/containers/:id/attach', async (request, reply) => await attach(parts, request, reply));
    app.get('/containers/:id/attach/ws', () => {
      throw unsupported('attach by websocket is not supported: use POST /containers/{id}/attach with an upgrade');
    });
    app.post('/containers/:id/wait', async (request, reply) => await wait(parts, request, reply));
    app.get('/containers/:id/logs', async (request, reply) => await logs(request, reply));
  };
}

/** The media type says whether frames tell the streams apart. */
export function mediaTypeOf(scope: Scope, isTerminal: boolean): string {
  const type = isTerminal ? 'application/vnd.docker.raw-stream' : 'application/vnd.docker.multiplexed-stream';
  return stringAt(adapted('stream', scope.version, { type }), 'type');
}

async function attach(parts: StreamParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const query = new Query(request);
  const name = pathPart(request, 'id');
  if (query.boolean('logs')) {
    const info = await findContainer(scope, name);
    return query.boolean('stream') ? await attachWithLogs(parts, { request, reply, scope, info }) : await attachLogs(info, request, reply);
  }
  if (!query.boolean('stream')) throw badRequest('attach needs stream=1 or logs=1');
  const ticket = await attachTicket(scope, query, name);
  await parts.hijacker.passOn({
    request,
    reply,
    head: streamHead(request, mediaTypeOf(scope, ticket.terminal)),
    ticket,
    framing: ticket.terminal ? 'raw' : 'docker',
  });
  return reply;
}

async function attachTicket(scope: Scope, query: Query, name: string): Promise<containerTypes.StreamTicket> {
  return await onContainer(name, (container) =>
    scope.callThrough('container', 'attach', {
      container,
      stdin: query.boolean('stdin'),
      stdout: query.boolean('stdout'),
      stderr: query.boolean('stderr'),
      detachKeys: query.string('detachKeys') || 'ctrl-p,ctrl-q',
    }),
  );
}

interface AttachParts {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly scope: Scope;
  readonly info: container.Info;
}

/** The log so far, then the live stream: the client first gets the one, then its connection is passed on. */
async function attachWithLogs(parts: StreamParts, { request, reply, scope, info }: AttachParts): Promise<FastifyReply> {
  const query = new Query(request);
  const isTerminal = info.spec.process.terminal;
  const past = await readTicket(scope, {
    container: info.id,
    stdout: query.boolean('stdout'),
    stderr: query.boolean('stderr'),
    frames: !isTerminal,
  });
  const ticket = await attachTicket(scope, query, info.id);
  await parts.hijacker.passOn({
    request,
    reply,
    head: streamHead(request, mediaTypeOf(scope, isTerminal)),
    first: past,
    ticket,
    framing: isTerminal ? 'raw' : 'docker',
  });
  return reply;
}

async function attachLogs(info: container.Info, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const query = new Query(request);
  const stream = await readTicket(scope, {
    container: info.id,
    stdout: query.boolean('stdout'),
    stderr: query.boolean('stderr'),
    frames: !info.spec.process.terminal,
  });
  return sendStream(reply, stream, mediaTypeOf(scope, info.spec.process.terminal));
}

async function readTicket(scope: Scope, request: log.ReadRequestInput): Promise<Socket> {
  return await openTicket(await scope.call('log', 'read', request));
}

/** Sends what comes from a socket as the body; a client that reads slowly slows the sender, one that goes ends it. */
function sendStream(reply: FastifyReply, stream: Socket, mediaType: string): FastifyReply {
  reply.raw.once('close', () => stream.destroy());
  return sendLive(reply, mediaType, stream);
}

async function wait(parts: StreamParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const query = modernised('container.wait', scope.version, { condition: new Query(request).string('condition') });
  const condition = stringAt(query, 'condition');
  if (!CONDITIONS.has(condition)) throw badRequest(`invalid condition: "${condition}"`);
  const answer = await onContainer(pathPart(request, 'id'), (container) =>
    scope.call('container', 'wait', { container, condition: condition || 'not-running' }),
  );
  if (answer.done || answer.ticket === null) {
    return sendJson(reply, { StatusCode: answer.exitCode, ...(answer.error === '' ? {} : { Error: { Message: answer.error } }) });
  }
  // The head goes out at once: it tells the client that the wait has begun, so that it may start the container.
  const head = ['HTTP/1.1 200 OK', 'Content-Type: application/json', 'Transfer-Encoding: chunked', 'Connection: close'];
  await parts.hijacker.passOn({ request, reply, head, ticket: answer.ticket, framing: 'chunked' });
  return reply;
}

function logTime(query: Query, name: string): bigint {
  const text = query.string(name);
  if (text === '' || text === '0') return 0n;
  const time = parseTime(text, Date.now());
  if (time === undefined) throw badRequest(`invalid value for "${name}": ${text}`);
  return time;
}

/** A number of lines; everything else is "all", as in Docker. */
function tailOf(query: Query): number {
  const text = query.string('tail');
  return /^\d+$/.test(text) ? Number(text) : -1;
}

async function logs(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const query = new Query(request);
  const stdout = query.boolean('stdout');
  const stderr = query.boolean('stderr');
  if (!stdout && !stderr) throw badRequest('Bad parameters: you must choose at least one stream');
  const info = await findContainer(scope, pathPart(request, 'id'));
  const isTerminal = info.spec.process.terminal;
  const stream = await readTicket(scope, {
    container: info.id,
    stdout,
    stderr,
    follow: query.boolean('follow'),
    timestamps: query.boolean('timestamps'),
    details: query.boolean('details'),
    since: logTime(query, 'since'),
    until: logTime(query, 'until'),
    tail: tailOf(query),
    frames: !isTerminal,
  });
  return sendStream(reply, stream, mediaTypeOf(scope, isTerminal));
}
