import { Agent, request as httpRequest } from 'node:http';
import { now } from './statistics.mjs';

const LIMIT_MS = 120_000;

/** Speaks Docker's HTTP API over a Unix socket, by one pool of connections. */
export class EngineClient {
  #socketPath;
  #agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 64 });

  constructor(socketPath) {
    this.#socketPath = socketPath;
  }

  /** Connections to a server that has been killed are of no use any more. */
  forgetConnections() {
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 64 });
  }

  async request(method, path, { query, body, limitMs = LIMIT_MS } = {}) {
    const response = await this.#open(method, path, { query, body, agent: this.#agent, limitMs });
    const chunks = [];
    for await (const chunk of response) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    if (response.statusCode >= 400) throw new Error(`${method} ${path}: HTTP ${response.statusCode}: ${text.trim()}`);
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
  }

  /** The answer as it comes, over a connection of its own; `close` ends it. */
  async stream(path, query) {
    const response = await this.#open('GET', path, { query, agent: false });
    return { response, close: () => response.destroy() };
  }

  #open(method, path, { query = {}, body, agent, limitMs, upgrade = false }) {
    const search = new URLSearchParams(
      Object.entries(query).map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
    );
    const payload = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      Host: 'docker',
      'Content-Length': Buffer.byteLength(payload),
      ...(payload === '' ? {} : { 'Content-Type': 'application/json' }),
      ...(upgrade ? { Connection: 'Upgrade', Upgrade: 'tcp' } : {}),
    };
    return new Promise((resolve, reject) => {
      const asked = httpRequest({
        socketPath: this.#socketPath,
        method,
        path: `/v1.41${path}${search.size === 0 ? '' : `?${search}`}`,
        headers,
        agent,
      });
      if (limitMs !== undefined) asked.setTimeout(limitMs, () => asked.destroy(new Error(`${method} ${path}: no answer in ${limitMs} ms`)));
      asked.on('response', resolve).on('error', reject);
      asked.on('upgrade', (_response, socket) => resolve(socket));
      asked.end(payload);
    });
  }

  async create({ image, cmd, network = 'none', name, label }) {
    const body = {
      Image: image,
      Cmd: cmd,
      StopSignal: 'SIGKILL',
      Labels: { 'cleat.bench': label ?? '' },
      HostConfig: { NetworkMode: network },
    };
    return (await this.request('POST', '/containers/create', { body, query: name === undefined ? {} : { name } })).Id;
  }

  start(id) {
    return this.request('POST', `/containers/${id}/start`);
  }

  stop(id) {
    return this.request('POST', `/containers/${id}/stop`, { query: { t: 1 } });
  }

  remove(id) {
    return this.request('DELETE', `/containers/${id}`, { query: { force: 1, v: 1 } });
  }

  inspect(id) {
    return this.request('GET', `/containers/${id}/json`);
  }

  list(query = { all: 1 }) {
    return this.request('GET', '/containers/json', { query });
  }

  /** Runs a process in a container, attached to its end. Resolves with the time that it took. */
  async exec(id, cmd) {
    const begun = now();
    const made = await this.request('POST', `/containers/${id}/exec`, { body: { Cmd: cmd, AttachStdout: true, AttachStderr: true } });
    const socket = await this.#open('POST', `/exec/${made.Id}/start`, { body: { Detach: false, Tty: false }, agent: false, upgrade: true });
    await new Promise((resolve, reject) =>
      socket
        .on('data', () => undefined)
        .on('end', resolve)
        .on('close', resolve)
        .on('error', reject),
    );
    const ms = now() - begun;
    socket.destroy();
    const { ExitCode } = await this.request('GET', `/exec/${made.Id}/json`);
    if (ExitCode !== 0) throw new Error(`exec: exit ${ExitCode}`);
    return ms;
  }

  /** Calls back with every container event and the time of its arrival. Resolves when subscribed; gives how to end it. */
  async events(onEvent) {
    const { response, close } = await this.stream('/events', { filters: { type: ['container'] } });
    let rest = '';
    response.on('error', () => undefined);
    response.on('data', (chunk) => {
      const at = now();
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onEvent(JSON.parse(line), at);
    });
    return close;
  }
}
