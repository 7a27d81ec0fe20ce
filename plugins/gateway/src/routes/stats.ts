import { totalmem } from 'node:os';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type container, isCleatError } from '@cleat/schemas';
import type { FastifyInstance } from 'fastify';
import { badRequest } from '../errors.ts';
import { pathPart, Query } from '../query.ts';
import { sendLive, sendText } from '../reply.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { cgroupFiles } from '../stats/cgroup-files.ts';
import { type Sample, takeSample } from '../stats/sample.ts';
import { adapted } from '../versions/adapters.ts';
import { rfc3339, ZERO_TIME } from '../wire/time.ts';
import { findContainer } from './container-lookup.ts';

const INTERVAL_MS = 1000;

export interface StatsParts {
  readonly cgroupVersion: 1 | 2;
}

export function statsRoutes(parts: StatsParts): (app: FastifyInstance) => void {
  return (app) => {
    app.get('/containers/:id/stats', async (request, reply) => {
      const scope = scopeOf(request);
      const query = new Query(request);
      const isStream = query.boolean('stream', true);
      const isOneShot = query.boolean('one-shot');
      if (isStream && isOneShot) throw badRequest('cannot have stream=true and one-shot=true');
      const info = await findContainer(scope, pathPart(request, 'id'));
      const reader = new StatsReader(scope, info, parts.cgroupVersion);
      if (!isStream) return sendText(reply, await reader.once(isOneShot));
      return sendLive(reply, 'application/json', Readable.from(reader.lines(), { objectMode: true, highWaterMark: 1 }));
    });
  };
}

/** Of a container that does not run. */
const NOTHING: Sample = {
  cpu: {
    cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  },
  memory: {},
  pids: {},
  block: {},
  networks: undefined,
};

/** Readings of one container, each with the one before it. */
class StatsReader {
  readonly #scope: Scope;
  readonly #version: 1 | 2;
  #info: container.Info;
  #last: { readonly sample: Sample; readonly time: string } | undefined;

  constructor(scope: Scope, info: container.Info, version: 1 | 2) {
    this.#scope = scope;
    this.#info = info;
    this.#version = version;
  }

  async #sample(): Promise<Sample | undefined> {
    const { state, paths, spec } = this.#info;
    if (state.pid === 0 || paths.cgroup === '') return undefined;
    return await takeSample(cgroupFiles(this.#version, paths.cgroup), {
      pid: state.pid,
      hostBytes: totalmem(),
      hasNetwork: spec.namespaces.network === 'private',
    });
  }

  #text(sample: Sample | undefined): string {
    const time = rfc3339(BigInt(Date.now()) * 1_000_000n);
    const now = sample ?? NOTHING;
    const value = {
      id: this.#info.id,
      name: `/${this.#info.name}`,
      os_type: 'linux',
      read: sample === undefined ? ZERO_TIME : time,
      preread: this.#last?.time ?? ZERO_TIME,
      pids_stats: now.pids,
      blkio_stats: now.block,
      num_procs: 0,
      storage_stats: {},
      cpu_stats: now.cpu,
      precpu_stats: (this.#last?.sample ?? NOTHING).cpu,
      memory_stats: now.memory,
      ...(now.networks === undefined ? {} : { networks: now.networks }),
    };
    this.#last = sample === undefined ? undefined : { sample, time };
    return `${JSON.stringify(adapted('stats', this.#scope.version, value))}\n`;
  }

  /** With the reading before it, unless only one is wanted. */
  async once(isOneShot: boolean): Promise<string> {
    const first = await this.#sample();
    if (isOneShot || first === undefined) return this.#text(first);
    this.#text(first);
    await delay(INTERVAL_MS, undefined, { signal: this.#scope.signal });
    return this.#text(await this.#sample());
  }

  /** One a second, empty while it does not run, until it is removed. */
  async *lines(): AsyncGenerator<string> {
    while (!this.#scope.signal.aborted) {
      let sample = await this.#sample();
      if (sample === undefined) {
        // Not running as far as we know: it may have been started since.
        if (!(await this.#look())) return;
        sample = await this.#sample();
      }
      yield this.#text(sample);
      try {
        await delay(INTERVAL_MS, undefined, { signal: this.#scope.signal });
      } catch {
        // The client is gone.
        return;
      }
    }
  }

  async #look(): Promise<boolean> {
    try {
      this.#info = await this.#scope.call('container', 'inspect', { container: this.#info.id });
      return true;
    } catch (error) {
      if (isCleatError(error) && error.class === 'not_found') return false;
      throw error;
    }
  }
}
