import type { IncomingMessage } from 'node:http';
import type { CallOptions } from '@cleat/sdk';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Backend } from './backend.ts';
import type { ApiVersion } from './versions/version.ts';

/** Everything that a handler knows of who asks, and how it asks on. */
export interface Scope {
  readonly version: ApiVersion;
  /** "uid:1000", or "" for a client that cannot be told. */
  readonly principal: string;
  /** Aborted when the client is gone before it has its answer. */
  readonly signal: AbortSignal;
  /** Ends with the client. */
  readonly call: Backend['call'];
  /** Goes on without the client: what has been begun shall not stop half way because somebody pressed a key. */
  readonly callThrough: Backend['call'];
}

const scopes = new WeakMap<IncomingMessage, Scope>();

export interface ScopeOptions {
  readonly version: ApiVersion;
  readonly principal: string;
  readonly backend: Backend;
}

/** Opens the scope of a request; it ends with the response. */
export function openScope(request: FastifyRequest, reply: FastifyReply, options: ScopeOptions): Scope {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  const named: CallOptions = options.principal === '' ? {} : { principal: options.principal };
  const scope: Scope = {
    version: options.version,
    principal: options.principal,
    signal: controller.signal,
    call: (contract, operation, body, more) =>
      options.backend.call(contract, operation, body, { ...named, signal: controller.signal, ...more }),
    callThrough: (contract, operation, body, more) => options.backend.call(contract, operation, body, { ...named, ...more }),
  };
  scopes.set(request.raw, scope);
  return scope;
}

export function scopeOf(request: FastifyRequest): Scope {
  const scope = scopes.get(request.raw);
  if (scope === undefined) throw new Error('a request was handled before its scope was opened');
  return scope;
}
