import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CleatError } from '@cleat/schemas';
import { execve, listenTcpInheritable, listenUnixInheritable, lockFile, moveDescriptor } from '@cleat/sdk/platform';
import { CLOSED_MEANS, closedDirectories } from './closed-directories.ts';
import type { PluginSettings, Settings } from './flags.ts';
import { readSettings } from './flags.ts';
import { listenerAddress } from './listener-address.ts';
import { answers } from './ping.ts';
import { findProgram } from './programs.ts';
import { platformReady } from './readiness.ts';
import { HOSTS_FILE, SOCKETS_FILE } from './run-directory.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const KERNEL_MAIN = join(ROOT, 'kernel/dist/src/main.js');
const HOST_MAIN = join(ROOT, 'sdk/dist/src/run/main.js');

/** What runs when nothing else is said: the gateway by itself, since a blocked plugin must not stop the API; the rest together. */
const DEFAULT_PLUGINS: Readonly<Record<string, string>> = {
  gateway: 'gateway',
  images: 'plugins',
  network: 'plugins',
  storage: 'plugins',
  logging: 'plugins',
};

const NEEDED: Readonly<Record<string, string>> = { runc: 'runc', conmon: 'conmon', 'nats-server': 'nats-server' };
/** Long, for the sake of small and busy machines: a platform that cannot start says so at once. */
const START_MS = 300_000;
const READY_MS = 60_000;
const MOST_LISTENERS = 6;
const UNIX = 'unix://';
const WARNING = 'cleat: warning:';
const LOCK_FD = 9;
/** Descriptors that nothing uses. */
const PARKING = 200;
/** Of kernel, plugins and, by the kernel, `streams`. Small heaps: they hold little, and what they do not give back counts. */
const DEFAULT_NODE_FLAGS = '--max-semi-space-size=1 --v8-pool-size=1 --expose-gc';
/** Others can be told: `--inspect`, or what an emulated processor wants, where machine code made at run time is dear. */
const NODE_FLAGS = (process.env['CLEAT_NODE_FLAGS'] ?? DEFAULT_NODE_FLAGS).split(' ').filter((flag) => flag !== '');

/**
 * Holds the sockets, runs the kernel and starts it again when it dies. 0 is a platform that was told to go down, 78 one that
 * cannot start (it has said why), 75 a kernel that wants to be started anew.
 */
const LOOP = `
trap '' HUP
trap 'kill -TERM $kernel 2>/dev/null' TERM INT
trap 'kill -HUP $kernel 2>/dev/null' USR1
failures=0
while :; do
  began=$(date +%s)
  "$@" 9<&- &
  kernel=$!
  while :; do
    wait $kernel
    code=$?
    kill -0 $kernel 2>/dev/null || break
  done
  case $code in 0|78) exit $code;; esac
  if [ $(($(date +%s) - began)) -gt 10 ]; then failures=0; else failures=$((failures + 1)); fi
  if [ $failures -gt 5 ]; then sleep 2; else sleep 0.05; fi
done`;

export const upHelp = `Usage: cleat up [flags]

Starts the platform: kernel, message bus and plugins, and keeps them running.

  -H, --host URL        where Docker clients connect, unix:///path or tcp://address:port;
                        may be given several times (default unix://RUN_DIR/docker.sock)
      --state-dir DIR   what is kept (default /var/lib/cleat)
      --run-dir DIR     sockets and what a reboot may take (default /run/cleat)
      --node-name NAME  (default: the host's name)
      --nats URL        join an existing NATS as a leaf node
      --nats-creds FILE credentials for it
      --plugins LIST    names with commas between; "none" for the bare kernel
      --config FILE     every flag and more, as YAML or JSON
  -d, --detach          return when the API answers and the plugins are ready

Examples:
  cleat up --detach
  cleat up --state-dir /srv/cleat --run-dir /run/cleat-b -H unix:///run/cleat-b/docker.sock
  cleat up --plugins none
`;

/** Becomes the platform, or starts it in the background. */
export async function up(argv: readonly string[]): Promise<number> {
  const settings = await readSettings(argv);
  checkHost();
  mkdirSync(settings.runDir, { recursive: true, mode: 0o755 });
  mkdirSync(settings.stateDir, { recursive: true, mode: 0o711 });
  warnOfClosedDirectories(settings);
  if (settings.detach) return detached(settings, argv);
  const lock = takeLock(settings);
  const activated = inherited();
  // The default address is for who has named none; what is configured is listened at as well.
  const hosts = activated.length > 0 && settings.hasDefaultHost ? [] : settings.hosts;
  const descriptors = [...activated, ...hosts.map(listen)];
  const config = join(settings.runDir, 'kernel.json');
  writeFileSync(config, JSON.stringify(kernelConfig(settings, descriptors.length), null, 2), { mode: 0o600 });
  writeFileSync(join(settings.runDir, 'up.pid'), `${process.pid}\n`);
  writeLines(join(settings.runDir, HOSTS_FILE), [...activated.map(listenerAddress), ...hosts]);
  writeLines(
    join(settings.runDir, SOCKETS_FILE),
    hosts.filter((host) => host.startsWith(UNIX)).map((host) => host.slice(UNIX.length)),
  );
  const moved = placed(descriptors, lock);
  return execve({
    path: '/bin/sh',
    argv: ['cleat', '-c', LOOP, 'cleat', process.execPath, ...NODE_FLAGS, KERNEL_MAIN, config],
    env: { ...definedOnly(process.env), LISTEN_FDS: '', LISTEN_PID: '' },
    keepFds: moved,
  });
}

function checkHost(): void {
  if (process.getuid?.() !== 0) throw new CleatError('permission_denied', 'NOT_ROOT', 'cleat up must be run as root');
  for (const [program, debian] of Object.entries(NEEDED)) {
    if (findProgram(program) === undefined)
      throw new CleatError('unavailable', 'PROGRAM_MISSING', `${program} is not installed`, {
        hint: `On Debian: apt-get install ${debian}. cleat doctor tells what else this host lacks.`,
      });
  }
  if (!existsSync(KERNEL_MAIN))
    throw new CleatError('unavailable', 'NOT_BUILT', 'Cleat is not built', { hint: 'Run npm ci && npm run build.' });
}

function warnOfClosedDirectories({ stateDir, runDir }: Settings): void {
  for (const directory of new Set([stateDir, runDir].flatMap(closedDirectories)))
    process.stderr.write(`${WARNING} ${directory} is closed to others, so ${CLOSED_MEANS}: chmod o+x opens it\n`);
}

/** The lock goes over to the shell loop, and is free when that has ended. */
function takeLock(settings: Settings): number {
  const path = join(settings.runDir, 'up.lock');
  const fd = lockFile(path);
  if (fd !== undefined) return fd;
  const holder = readIfThere(join(settings.runDir, 'up.pid'));
  throw new CleatError(
    'conflict',
    'ALREADY_UP',
    `Cleat is up already in ${settings.runDir}${holder === '' ? '' : ` (process ${holder})`}`,
    { hint: 'Another instance needs --run-dir and --state-dir of its own.' },
  );
}

/** Sockets that systemd holds (sd_listen_fds(3)). */
function inherited(): readonly number[] {
  const count = Number(process.env['LISTEN_FDS'] ?? '');
  if (!Number.isInteger(count) || count < 1 || process.env['LISTEN_PID'] !== String(process.pid)) return [];
  return Array.from({ length: count }, (_, index) => 3 + index);
}

function listen(host: string): number {
  if (host.startsWith(UNIX)) {
    const path = host.slice(UNIX.length);
    const gid = groupId('cleat') ?? groupId('docker');
    return listenUnixInheritable(path, 0o660, gid === undefined ? {} : { gid });
  }
  const match = /^tcp:\/\/(\[[^\]]+\]|[^:]+):(\d+)$/.exec(host);
  if (match?.[1] !== undefined && match[2] !== undefined) return listenTcpInheritable(match[1].replace(/[[\]]/g, ''), Number(match[2]));
  throw new CleatError('invalid_argument', 'HOST_INVALID', `"${host}" is no address to listen at`, {
    hint: 'Give unix:///path or tcp://127.0.0.1:2375.',
  });
}

/**
 * The kernel finds the sockets from descriptor 3 on; the shell keeps the lock to itself as 9, the highest number that it can
 * name. What lies there is this process' own and goes with it: the next call is execve.
 */
function placed(descriptors: readonly number[], lock: number): readonly number[] {
  if (descriptors.length > MOST_LISTENERS)
    throw new CleatError('invalid_argument', 'HOSTS_TOO_MANY', `at most ${MOST_LISTENERS} addresses can be listened at`);
  // First out of the way: one of them may lie where another belongs.
  const wanted = [...descriptors.map((fd, index) => ({ fd, at: 3 + index })), { fd: lock, at: LOCK_FD }];
  const parked = wanted.map(({ fd, at }, index) => {
    const park = PARKING + index;
    moveDescriptor(fd, park);
    return { park, at };
  });
  for (const { park, at } of parked) moveDescriptor(park, at);
  return wanted.map(({ at }) => at);
}

function kernelConfig(settings: Settings, listeners: number): object {
  const {
    stateDir,
    runDir,
    nodeName,
    nats,
    natsCreds,
    natsServer,
    runtimes,
    defaultRuntime,
    cgroupDriver,
    cgroupParent,
    logLevel,
    eventRetention,
  } = settings;
  return defined({
    ...{ stateDir, runDir, nodeName, runtimes, defaultRuntime, cgroupDriver, cgroupParent, logLevel, eventRetention, listeners },
    version: version(),
    hostCommand: [process.execPath, ...NODE_FLAGS, HOST_MAIN],
    nats: defined({ url: nats, credentials: natsCreds, server: natsServer }),
    plugins: pluginNames(settings).map((name) => plugin(name, settings.pluginSettings[name] ?? {}, listeners)),
  });
}

function pluginNames({ plugins }: Settings): readonly string[] {
  return plugins ?? Object.keys(DEFAULT_PLUGINS);
}

function plugin(name: string, given: PluginSettings, listeners: number): object {
  const directory = given.directory ?? join(ROOT, 'plugins', name);
  if (!existsSync(join(directory, 'manifest.json')))
    throw new CleatError('not_found', 'PLUGIN_UNKNOWN', `there is no plugin ${name} in ${directory}`, {
      hint: `Cleat's own are ${Object.keys(DEFAULT_PLUGINS).join(', ')}.`,
    });
  const listen = name === 'gateway' ? { listen: Array.from({ length: listeners }, (_, index) => ({ kind: 'unix', fd: 3 + index })) } : {};
  return {
    name,
    directory,
    module: join(directory, 'dist/src/index.js'),
    group: given.group ?? DEFAULT_PLUGINS[name] ?? name,
    config: { ...listen, ...given.config },
  };
}

/** Starts itself in the background and waits until it is of use, or the reason is known why it does not. */
async function detached(settings: Settings, argv: readonly string[]): Promise<number> {
  const logPath = join(settings.stateDir, 'log', 'kernel.log');
  mkdirSync(join(settings.stateDir, 'log'), { recursive: true, mode: 0o700 });
  const output = openSync(logPath, 'a', 0o600);
  const from = statSync(logPath).size;
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'up', ...argv.filter((flag) => flag !== '--detach' && flag !== '-d')], {
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = new Promise<number>((resolve) => child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1)));
  const code = await Promise.race([ended, answers(settings, START_MS)]);
  if (code === undefined) {
    child.unref();
    await platformReady({ runDir: settings.runDir, names: pluginNames(settings) }, READY_MS);
    return 0;
  }
  // One that is too slow would otherwise be up after it was said that it is not.
  child.kill('SIGTERM');
  const words = readFileSync(logPath)
    .subarray(from)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{') && !line.startsWith(WARNING));
  throw new CleatError(
    'unavailable',
    'START_FAILED',
    words.length === 0 ? `Cleat did not come up; its log is ${logPath}` : words.join('\n').replace(/^cleat: /, ''),
  );
}

function groupId(name: string): number | undefined {
  const line = readIfThere('/etc/group')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const gid = line?.split(':')[2];
  return gid === undefined ? undefined : Number(gid);
}

function writeLines(path: string, lines: readonly string[]): void {
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Not there: nothing to say.
    return '';
  }
}

function version(): string {
  const value: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'string' ? value.version : '0';
}

function defined(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined));
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
