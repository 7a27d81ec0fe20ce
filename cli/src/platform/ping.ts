import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Settings } from './flags.ts';

const POLL_MS = 25;

/** Resolves with undefined when the platform is of use: the API answers, or, without a gateway, the kernel does. */
export async function answers(
  settings: Pick<Settings, 'hosts' | 'plugins' | 'runDir'>,
  timeoutMs: number,
): Promise<undefined | number> {
  const until = Date.now() + timeoutMs;
  const hasGateway = settings.plugins === undefined || settings.plugins.includes('gateway');
  const [host = ''] = settings.hosts;
  while (Date.now() < until) {
    if (hasGateway ? await pings(host) : existsSync(join(settings.runDir, 'operator.json'))) return undefined;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
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
