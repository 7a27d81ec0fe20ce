import { copyFileSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { unmountBelow } from './cleat.mjs';
import { findProgram, run, runApart } from './commands.mjs';
import { EngineClient } from './engine-client.mjs';
import { NetworkPlace } from './network-place.mjs';
import { CpuAccount, childrenOf, findByCommand } from './process-tree.mjs';
import { until } from './statistics.mjs';

const PROGRAMS = ['dockerd', 'containerd', 'containerd-shim-runc-v2', 'docker-init', 'docker-proxy', 'runc'];
const START_MS = 60_000;

/** A dockerd with directories, network namespace and copies of the programs of its own. */
export class Dockerd {
  name = 'dockerd';
  title;
  client;
  account;
  hasRestart = true;
  #directory;
  #network;
  #daemon;

  constructor({ directory, tag }) {
    this.#directory = directory;
    this.title = run(findProgram('dockerd'), ['--version']).stdout;
    this.#network = new NetworkPlace(`${tag}-dockerd`);
    this.account = new CpuAccount(`${tag}-dockerd`);
    this.client = new EngineClient(this.socketPath);
  }

  get socketPath() {
    return join(this.#directory, 'docker.sock');
  }

  get #bin() {
    return join(this.#directory, 'bin');
  }

  async start() {
    mkdirSync(this.#bin, { recursive: true });
    for (const name of PROGRAMS) {
      const path = findProgram(name);
      if (path !== undefined) copyFileSync(path, join(this.#bin, name));
    }
    this.restart();
    await until('dockerd answers', START_MS, () =>
      this.client.request('GET', '/info').then(
        () => true,
        () => false,
      ),
    );
  }

  /** --live-restore: without it the containers end with the daemon. No plugin of the host is seen: a dead one holds dockerd up. */
  restart() {
    const at = (name) => join(this.#directory, name);
    const flags = [
      '--data-root',
      at('data'),
      '--exec-root',
      at('exec'),
      '--pidfile',
      at('pid'),
      '-H',
      `unix://${this.socketPath}`,
      '--live-restore',
    ];
    const log = openSync(at('log'), 'a');
    const script = 'mkdir -p /run/docker && mount -t tmpfs tmpfs /run/docker && exec dockerd "$@"';
    this.#daemon = runApart(script, {
      args: flags,
      netns: this.#network.path,
      cgroup: this.account.path,
      ownMounts: true,
      output: log,
      env: { PATH: `${this.#bin}:${process.env.PATH}` },
    });
    this.#daemon.unref();
  }

  get kernelPid() {
    return this.#daemon.pid;
  }

  async stop() {
    signal(this.#daemon.pid, 'SIGTERM');
    await until('dockerd ends', 15_000, () => this.account.pids.length === 0).catch(() => undefined);
    // A dockerd that did not come back leaves its shims, and each the container's first process.
    const left = new Set([...this.account.pids, ...findByCommand([], this.#bin)]);
    for (const pid of left) for (const each of [...childrenOf(pid), pid]) signal(each, 'SIGKILL');
    await until('what dockerd started ends', 5_000, () => this.account.pids.length === 0).catch(() => undefined);
    this.account.remove();
    unmountBelow(this.#directory);
    this.#network.remove();
  }
}

/** To one that may have ended already. */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
