import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CleatError } from '@cleat/schemas';
import type { FastifyInstance } from 'fastify';
import { badRequest, unsupported } from '../errors.ts';
import { pathPart, Query } from '../query.ts';
import { sendJson } from '../reply.ts';
import { scopeOf } from '../scope.ts';
import { cgroupFiles, processIds } from '../stats/cgroup-files.ts';
import { findContainer } from './container-lookup.ts';

const PS_MS = 10_000;
const MAX_PS_BYTES = 16 * 1024 * 1024;
const run = promisify(execFile);

export function topRoutes(parts: { readonly cgroupVersion: 1 | 2 }): (app: FastifyInstance) => void {
  return (app) => {
    app.get('/containers/:id/top', async (request, reply) => {
      const scope = scopeOf(request);
      const info = await findContainer(scope, pathPart(request, 'id'));
      if (info.state.pid === 0) throw new CleatError('conflict', 'CONTAINER_NOT_RUNNING', `container ${info.id} is not running`);
      const pids = await processIds(cgroupFiles(parts.cgroupVersion, info.paths.cgroup));
      const text = await listProcesses(new Query(request).string('ps_args') || '-ef', scope.signal);
      return sendJson(reply, processTable(text, new Set(pids)));
    });
  };
}

/** The host's ps: it alone knows the columns that its arguments ask for. */
async function listProcesses(args: string, signal: AbortSignal): Promise<string> {
  const words = args.split(/\s+/).filter((word) => word !== '');
  if (words.some((word) => /\bpid\s*=/i.test(word)))
    throw badRequest('specifying "PID=" in ps_args is not supported: the column is needed by its own name');
  try {
    const { stdout } = await run('ps', words, {
      timeout: PS_MS,
      maxBuffer: MAX_PS_BYTES,
      signal,
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    });
    return stdout;
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (code === 'ENOENT') throw unsupported('docker top needs the program ps on the host: install procps');
    throw badRequest(`ps: ${error instanceof Error ? error.message.trim() : String(error)}`);
  }
}

/** Rows of these processes; the last column is the command, with its spaces. */
export function processTable(
  text: string,
  pids: ReadonlySet<number>,
): { readonly Titles: readonly string[]; readonly Processes: readonly (readonly string[])[] } {
  const [first = '', ...lines] = text.split('\n');
  const titles = first.trim().split(/\s+/);
  const column = titles.findIndex((title) => title.toUpperCase() === 'PID');
  if (column < 0) throw badRequest("Couldn't find PID field in ps output");
  const rows = lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const words = line.trim().split(/\s+/);
      return [...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(' ')];
    })
    .filter((row) => pids.has(Number(row[column])));
  return { Titles: titles, Processes: rows };
}
