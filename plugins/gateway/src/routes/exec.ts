import { randomBytes } from 'node:crypto';
import { CleatError, type container, type containerTypes, type execTypes, isCleatError } from '@cleat/schemas';
import { ALL_CAPABILITIES, environmentOf } from '@cleat/sdk/container';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readJson, readOptionalJson } from '../body.ts';
import { badRequest, reworded } from '../errors.ts';
import { type Hijacker, type PassOn, streamHead } from '../hijack.ts';
import { pathPart, Query } from '../query.ts';
import { sendJson, sendNothing } from '../reply.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { Fields } from '../wire/fields.ts';
import { findContainer } from './container-lookup.ts';
import { mediaTypeOf } from './container-streams.ts';
import { sizeQuery } from './containers.ts';

export interface ExecParts {
  readonly hijacker: Hijacker;
  /** CAP_* that this node can give. */
  readonly capabilities: readonly string[];
}

/** The runtime could not run it: what the client is told in the stream, with the exit code in the exec's state. */
const NOT_RUN: readonly string[] = ['PROCESS_NOT_FOUND', 'PROCESS_NOT_EXECUTABLE', 'RUNTIME_FAILED'];

export function execRoutes(parts: ExecParts): (app: FastifyInstance) => void {
  return (app) => {
    app.post('/containers/:id/exec', async (request, reply) => await create(parts, request, reply));
    app.post('/exec/:id/start', async (request, reply) => await start(parts, request, reply));
    app.post('/exec/:id/resize', async (request, reply) => {
      const { rows, columns } = sizeQuery(new Query(request));
      const id = pathPart(request, 'id');
      await onExec(id, () => scopeOf(request).call('exec', 'resize', { id, rows, columns }));
      return sendNothing(reply, 200);
    });
    app.get('/exec/:id/json', async (request, reply) =>
      sendJson(reply, execObject(await findExec(scopeOf(request), pathPart(request, 'id')))),
    );
  };
}

async function onExec<T>(id: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw reworded(error, 'not_found', `No such exec instance: ${id}`);
  }
}

async function findExec(scope: Scope, id: string): Promise<execTypes.Info> {
  return await onExec(id, () => scope.call('exec', 'inspect', { id }));
}

function checkRunning(info: container.Info): void {
  const { status } = info.state;
  if (status === 'paused' || status === 'pausing') {
    throw new CleatError('conflict', 'CONTAINER_PAUSED', `container ${info.name} is paused, unpause the container before exec`);
  }
  if (status === 'restarting') {
    throw new CleatError('conflict', 'CONTAINER_RESTARTING', `Container ${info.id} is restarting, wait until the container is running`);
  }
  if (status !== 'running') throw new CleatError('conflict', 'CONTAINER_NOT_RUNNING', `container ${info.id} is not running`);
}

/** The container's own process, with what the request says otherwise. */
function processOf(info: container.Info, body: Fields, capabilities: readonly string[]): containerTypes.ProcessInput {
  const base = info.spec.process;
  const args = body.stringsOrString('Cmd') ?? [];
  if (args.length === 0) throw badRequest('No exec command specified');
  const isPrivileged = body.boolean('Privileged');
  const size = body.raw['ConsoleSize'];
  const [rows, columns] = Array.isArray(size) ? size.map(Number) : [];
  return {
    args,
    env: environmentOf(body.strings('Env'), base.env),
    cwd: body.string('WorkingDir') || base.cwd,
    user: body.string('User') || base.user,
    groups: base.groups,
    terminal: body.boolean('Tty'),
    openStdin: body.boolean('AttachStdin'),
    stdinOnce: true,
    capabilities: isPrivileged ? capabilities : base.capabilities,
    noNewPrivileges: base.noNewPrivileges,
    rlimits: base.rlimits,
    apparmorProfile: base.apparmorProfile,
    seccomp: isPrivileged ? 'unconfined' : base.seccomp,
    consoleRows: rows ?? 0,
    consoleColumns: columns ?? 0,
  };
}

async function create(parts: ExecParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const body = await readJson(request.raw, 'ExecConfig');
  const info = await findContainer(scope, pathPart(request, 'id'));
  checkRunning(info);
  const available = parts.capabilities.length > 0 ? parts.capabilities : ALL_CAPABILITIES;
  const { id } = await scope.call('exec', 'create', {
    id: randomBytes(32).toString('hex'),
    container: info.id,
    process: processOf(info, body, available),
    privileged: body.boolean('Privileged'),
    attachStdin: body.boolean('AttachStdin'),
    attachStdout: body.boolean('AttachStdout'),
    attachStderr: body.boolean('AttachStderr'),
    detachKeys: body.string('DetachKeys') || 'ctrl-p,ctrl-q',
  });
  return sendJson(reply, { Id: id }, 201);
}

async function start(parts: ExecParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const id = pathPart(request, 'id');
  const body = (await readOptionalJson(request.raw, 'ExecStartConfig')) ?? new Fields({}, 'ExecStartConfig');
  const isDetached = body.boolean('Detach');
  const size = body.raw['ConsoleSize'];
  const [rows, columns] = Array.isArray(size) ? size.map(Number) : [];
  const stream = (isTerminal: boolean): Omit<PassOn, 'ticket'> => ({
    request,
    reply,
    head: streamHead(request, mediaTypeOf(scope, isTerminal)),
    framing: isTerminal ? 'raw' : 'docker',
  });
  try {
    const started = { id, detach: isDetached, consoleRows: rows ?? 0, consoleColumns: columns ?? 0 };
    const { ticket } = await onExec(id, () => scope.callThrough('exec', 'start', started));
    if (isDetached || ticket === null) return sendNothing(reply, 200);
    await parts.hijacker.passOn({ ...stream(ticket.terminal), ticket });
  } catch (error) {
    if (isDetached || !isCleatError(error) || !NOT_RUN.includes(error.code)) throw error;
    const { process } = await findExec(scope, id);
    await parts.hijacker.tell(stream(process.terminal), error.message);
  }
  return reply;
}

function execObject(info: execTypes.Info): object {
  const [entrypoint = '', ...args] = info.process.args;
  return {
    ID: info.id,
    Running: info.running,
    ExitCode: info.exitCode,
    ProcessConfig: {
      tty: info.process.terminal,
      entrypoint,
      arguments: args,
      privileged: info.privileged,
      ...(info.process.user === '' ? {} : { user: info.process.user }),
    },
    OpenStdin: info.attachStdin,
    OpenStderr: info.attachStderr,
    OpenStdout: info.attachStdout,
    CanRemove: !info.running && info.exitCode !== null,
    ContainerID: info.container,
    DetachKeys: info.detachKeys,
    Pid: info.pid,
  };
}
