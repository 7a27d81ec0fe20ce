import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeImportTar, type RunOptions, type RunResult, runProcess } from '@cleat/harness';

const CLEAT = fileURLToPath(new URL('../../../bin/cleat', import.meta.url));
const UP_MS = 60_000;
/** bin/cleat takes the first node of the PATH: that of the test. */
const PATH_OF_THIS_NODE = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;

/** A whole platform, started as a user does, in directories of its own. */
export class Platform {
  readonly dir: string;
  readonly runDir: string;

  /** A run directory that is told lies elsewhere: on tmpfs, where a boot empties it. */
  constructor(dir: string, runDir: string = join(dir, 'run')) {
    this.dir = dir;
    this.runDir = runDir;
    mkdirSync(dir, { recursive: true });
  }

  get socket(): string {
    return join(this.dir, 'docker.sock');
  }

  get host(): string {
    return `unix://${this.socket}`;
  }

  async up(...flags: readonly string[]): Promise<void> {
    const own = ['--state-dir', join(this.dir, 'state'), '--run-dir', this.runDir, '-H', this.host];
    await runProcess([CLEAT, 'up', '--detach', ...own, ...flags], { timeoutMs: UP_MS, env: { PATH: PATH_OF_THIS_NODE } });
  }

  /** Stops containers and platform. */
  async down(): Promise<void> {
    const ids = (await this.docker(['ps', '-aq'], { allowExit: 'any' })).stdout.split('\n').filter((id) => id !== '');
    if (ids.length > 0) await this.docker(['rm', '-f', '-v', ...ids], { allowExit: 'any' });
    await runProcess([CLEAT, 'down', '--run-dir', this.runDir, '--stop-containers'], { timeoutMs: UP_MS });
  }

  /** Imports Debian's busybox as busybox:latest. */
  async importBusybox(): Promise<void> {
    const tar = makeImportTar(join(this.dir, 'busybox.tar'));
    await this.docker(['import', tar, 'busybox:latest']);
  }

  docker(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runProcess(['docker', ...args], { ...options, env: { ...options.env, DOCKER_HOST: this.host } });
  }

  cleat(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runProcess([CLEAT, ...args], { ...options, env: { ...options.env, CLEAT_RUN_DIR: this.runDir } });
  }
}
