import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, run, runApart } from './commands.mjs';
import { EngineClient } from './engine-client.mjs';
import { NetworkPlace } from './network-place.mjs';
import { CpuAccount, findByCommand } from './process-tree.mjs';
import { until } from './statistics.mjs';

const COMMAND = fileURLToPath(new URL('../../cli/dist/src/main.js', import.meta.url));
const KERNEL = fileURLToPath(new URL('../../kernel/dist/src/main.js', import.meta.url));
const START_MS = 60_000;

/** A Cleat with directories, network namespace and copies of the programs of its own. */
export class Cleat {
  name;
  title;
  client;
  account;
  hasRestart = true;
  #directory;
  #network;
  #runtime;
  #logLevel;

  constructor({ name, directory, tag, runtime = 'runc', logLevel = 'info' }) {
    this.name = name;
    this.#directory = directory;
    this.#runtime = runtime;
    this.#logLevel = logLevel;
    this.title = `Cleat ${JSON.parse(readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')).version}, ${runtime} as runtime, Node ${process.versions.node}`;
    this.#network = new NetworkPlace(`${tag}-${name}`);
    this.account = new CpuAccount(`${tag}-${name}`);
    this.client = new EngineClient(this.socketPath);
    // crun runs here only where it does not see one of the cgroup trees.
    if (runtime !== 'runc') this.bareExec = undefined;
  }

  get socketPath() {
    return join(this.#runDir, 'docker.sock');
  }

  get #runDir() {
    return join(this.#directory, 'run');
  }

  get logPath() {
    return join(this.#directory, 'state', 'log', 'kernel.log');
  }

  get #node() {
    return join(this.#directory, 'bin', 'node');
  }

  async start() {
    const bin = join(this.#directory, 'bin');
    mkdirSync(bin, { recursive: true });
    // A page of a program that others run as well would count for a part only.
    for (const [name, path] of [
      ['node', process.execPath],
      ...['nats-server', 'conmon', this.#runtime].map((program) => [program, findProgram(program)]),
    ])
      copyFileSync(path, join(bin, name));
    const config = join(this.#directory, 'config.json');
    writeFileSync(
      config,
      JSON.stringify({ defaultRuntime: this.#runtime, natsServer: join(bin, 'nats-server'), logLevel: this.#logLevel }),
    );
    const flags = ['--run-dir', this.#runDir, '--state-dir', join(this.#directory, 'state'), '--config', config];
    // crun refuses hosts where both cgroup versions are mounted, unless it does not see the second.
    const hide = this.#runtime === 'crun' && existsSync('/sys/fs/cgroup/unified') ? 'umount /sys/fs/cgroup/unified; ' : '';
    runApart(`${hide}exec "$@"`, {
      args: [this.#node, COMMAND, 'up', '--detach', ...flags],
      netns: this.#network.path,
      cgroup: this.account.path,
      ownMounts: hide !== '',
      env: { PATH: `${bin}:${process.env.PATH}` },
    }).unref();
    await until(`${this.name} answers`, START_MS, () =>
      this.client.request('GET', '/info').then(
        () => true,
        () => false,
      ),
    );
  }

  /** The process whose death is measured. The shell loop of `cleat up` starts it again. */
  get kernelPid() {
    return findByCommand([KERNEL, this.#runDir], this.#node)[0];
  }

  /** The `cleat` command against this instance: its bus is reached in its network namespace alone. */
  command(args) {
    const command = [this.#node, COMMAND, ...args, '--run-dir', this.#runDir];
    return run('nsenter', [`--net=${this.#network.path}`, '--', ...command]);
  }

  /** Milliseconds of the OCI runtime's exec by itself, as the engine would call it. */
  bareExec(id, args) {
    const oci = JSON.parse(readFileSync(join(this.#runDir, 'c', id, 'run1', 'config.json'), 'utf8'));
    const file = join(this.#directory, 'process.json');
    writeFileSync(file, JSON.stringify({ ...oci.process, args }));
    const root = join(this.#runDir, 'oci', this.#runtime);
    const runtime = join(this.#directory, 'bin', this.#runtime);
    return run(runtime, ['--root', root, 'exec', '--detach', '--process', file, '--pid-file', `${file}.pid`, id]).ms;
  }

  restart() {
    // Nobody has to: that is the loop's work.
  }

  async stop() {
    try {
      this.command(['down']);
    } finally {
      for (const pid of this.account.pids) process.kill(pid, 'SIGKILL');
      await until(`the processes of ${this.name} end`, 10_000, () => this.account.pids.length === 0).catch(() => undefined);
      this.account.remove();
      unmountBelow(this.#directory);
      this.#network.remove();
    }
  }
}

/** What an engine that was killed has left mounted. */
export function unmountBelow(directory) {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${directory}/`));
  for (const point of points.reverse()) run('umount', ['-l', point]);
}

/** The directories of a checkout that have to be built. */
export function isBuilt() {
  return existsSync(COMMAND) && existsSync(KERNEL) && readdirSync(fileURLToPath(new URL('../../plugins', import.meta.url))).length > 0;
}
