import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Settings } from './flags.ts';

const POLL_MS = 25;
/** Asked less and less often, so that on a slow machine the asking does not take the time that the start needs. */
const LONGEST_POLL_MS = 250;

/** Resolves with undefined when the platform is of use: the API answers, or, without a gateway, the kernel does. */
export async function answers(settings: Pick<Settings, 'hosts' | 'plugins' | 'runDir'>, timeoutMs: number): Promise<undefined | number> {
  const begin = Date.now();
  const until = begin + timeoutMs;
  const hasGateway = settings.plugins === undefined || settings.plugins.includes('gateway');
  const [host = ''] = settings.hosts;
  while (Date.now() < until) {
    if (hasGateway ? await pings(host) : existsSync(join(settings.runDir, 'operator.json'))) return undefined;
    const pauseMs = Math.min(LONGEST_POLL_MS, Math.max(POLL_MS, (Date.now() - begin) / 40));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return 1;
}

/** True when the Docker API at an address answers. */
export function pings(host: string): Promise<boolean> {
  const url = host.startsWith('unix://') ? { socketPath: host.slice('unix://'.length) } : addressOf(host);
  return new Promise((resolve) => {
    const ping = request({ ...url, path: '/_ping', timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', () => resolve(false));
    ping.end();
  });
}

function addressOf(host: string): { readonly host: string; readonly port: number } {
  const match = /^tcp:\/\/(\[[^\]]+\]|[^:]+):(\d+)$/.exec(host);
  return { host: (match?.[1] ?? '').replace(/[[\]]/g, ''), port: Number(match?.[2] ?? 0) };
}
