import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { tempDir } from '@cleat/harness';
import { createGateway, type HostDoors } from '../src/gateway.ts';
import { FakePlatform } from './fake-platform.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface Api {
  readonly platform: FakePlatform;
  readonly socket: string;
  readonly directory: string;
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the test looks at the text.
    return undefined;
  }
}

/** One request to a unix socket. */
export function callSocket(
  socketPath: string,
  options: { readonly method: string; readonly path: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> },
): Promise<ApiAnswer> {
  const { body } = options;
  const data = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const headers = {
    ...(data === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(data) }),
    ...options.headers,
  };
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method: options.method, path: options.path, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
      });
    });
    call.on('error', reject);
    call.end(data);
  });
}

/** A gateway before a scripted platform, at a socket of its own. */
export async function startApi(t: { teardown(action: () => unknown): void }, host: Partial<HostDoors> = {}): Promise<Api> {
  const directory = tempDir(t);
  const socket = join(directory, 'api.sock');
  const platform = new FakePlatform();
  const gateway = createGateway({ backend: platform.backend, host: { peerUid: () => 1000, ...host } });
  await gateway.listen([{ kind: 'unix', path: socket }]);
  t.teardown(() => gateway.close());
  return {
    platform,
    socket,
    directory,
    call: (method, path, body, headers) => callSocket(socket, { method, path, body, headers: headers ?? {} }),
  };
}
