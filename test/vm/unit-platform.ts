import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeImportTar, type RunOptions, type RunResult, runProcess, waitFor } from '@cleat/harness';
import type { PlatformClients } from '../platform/platform-clients.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const UNIT_DIR = '/run/systemd/system';
const DROP_IN_DIR = join(UNIT_DIR, 'cleat.service.d');
const UNIT_MS = 60_000;

/** The platform as systemd runs it, in its default directories: for a machine that is thrown away afterwards. */
export class UnitPlatform implements PlatformClients {
  readonly runDir = '/run/cleat';
  readonly socket = '/run/cleat/docker.sock';

  /** The units of this checkout, until the next boot, with the flags for Node that this test was given. */
  async install(): Promise<void> {
    await runProcess([join(ROOT, 'packaging/systemd/install'), '--unit-dir', UNIT_DIR]);
    mkdirSync(DROP_IN_DIR);
    const flags = process.env['CLEAT_NODE_FLAGS'];
    const environment = flags === undefined ? '' : `Environment="CLEAT_NODE_FLAGS=${flags}"\n`;
    writeFileSync(join(DROP_IN_DIR, 'test.conf'), `[Service]\n${environment}`);
    await this.systemctl('daemon-reload');
  }

  /** Stops the platform and takes everything of it away. */
  async remove(): Promise<void> {
    if (await this.isActive('cleat.service')) {
      const ids = (await this.docker(['ps', '-aq'], { allowExit: 'any' })).stdout.split('\n').filter((id) => id !== '');
      if (ids.length > 0) await this.docker(['rm', '-f', '-v', ...ids], { allowExit: 'any' });
    }
    await this.systemctl('stop', 'cleat.socket', 'cleat.service');
    rmSync(DROP_IN_DIR, { recursive: true });
    for (const unit of ['cleat.service', 'cleat.socket']) rmSync(join(UNIT_DIR, unit), { force: true });
    await this.systemctl('daemon-reload');
    for (const path of ['/etc/cleat', '/var/lib/cleat']) rmSync(path, { recursive: true, force: true });
  }

  systemctl(...args: readonly string[]): Promise<RunResult> {
    return runProcess(['systemctl', ...args], { timeoutMs: UNIT_MS });
  }

  async isActive(unit: string): Promise<boolean> {
    return (await runProcess(['systemctl', 'is-active', '--quiet', unit], { allowExit: 'any' })).code === 0;
  }

  /** The process that systemd has started last: it stays while a killed one is replaced. */
  get loopPid(): number {
    return Number(readFileSync(join(this.runDir, 'up.pid'), 'utf8'));
  }

  async waitForApi(): Promise<void> {
    await waitFor('the API', async () => existsSync(this.socket) && (await this.docker(['version'], { allowExit: 'any' })).code === 0, {
      timeoutMs: UNIT_MS,
    });
  }

  async importBusybox(dir: string): Promise<void> {
    await this.docker(['import', makeImportTar(join(dir, 'busybox.tar')), 'busybox:latest']);
  }

  docker(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const env = { ...options.env, DOCKER_HOST: `unix://${this.socket}` };
    return runProcess(['docker', ...args], { timeoutMs: UNIT_MS, ...options, env });
  }

  cleat(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runProcess([join(ROOT, 'bin/cleat'), ...args], options);
  }
}
