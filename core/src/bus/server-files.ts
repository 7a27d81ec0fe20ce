import { accessSync, constants, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CleatError } from '@cleat/schemas';
import type { AccountStatement } from './accounts.ts';
import { SERVER_LOG_BYTES } from './limits.ts';
import { makePrivateDirectory, readFileIfExists, replaceFile } from './secret-file.ts';

/** The server process that this directory belongs to. */
export interface ServerRecord {
  readonly pid: number;
  readonly startTime: number;
  readonly fingerprint: string;
}

/** Where Debian and others put it, besides what PATH says: services often run with a short one. */
const USUAL_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin'];

/**
 * The server's binary: `binary` (a flag, or CLEAT_NATS_SERVER) if given, else the first on `path`. Throws `unavailable`
 * `BUS_SERVER_MISSING`.
 */
export function findServerBinary(binary: string | undefined, path: string): string {
  if (binary !== undefined) {
    if (isExecutable(binary)) return binary;
    throw missing(`${binary} cannot be run`);
  }
  const directories = [...path.split(delimiter).filter((entry) => entry !== ''), ...USUAL_DIRECTORIES];
  const found = directories.map((directory) => join(directory, 'nats-server')).find(isExecutable);
  if (found === undefined) throw missing('no nats-server was found');
  return found;
}

function missing(reason: string): CleatError {
  return new CleatError('unavailable', 'BUS_SERVER_MISSING', `the bus cannot be started: ${reason}`, {
    hint: 'install nats-server (Debian: apt-get install nats-server) or name one in CLEAT_NATS_SERVER',
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Absent or not ours to run: the same to us.
    return false;
  }
}

/** The files of one server directory. */
export class ServerFiles {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
    for (const path of [dir, join(dir, 'jwt'), join(dir, 'jetstream'), join(dir, 'ports')]) makePrivateDirectory(path);
  }

  get configPath(): string {
    return join(this.dir, 'nats.conf');
  }

  get logPath(): string {
    return join(this.dir, 'nats.log');
  }

  writeConfig(text: string): void {
    replaceFile(this.configPath, text, { mode: 0o600, isDurable: false });
  }

  /** What the server finds at its start. Only while none runs: a statement that it finds on file already is not news to it. */
  writeStatements(statements: readonly AccountStatement[]): void {
    const wanted = new Set(statements.map(({ key }) => `${key}.jwt`));
    for (const name of this.#list('jwt')) if (!wanted.has(name)) rmSync(join(this.dir, 'jwt', name), { recursive: true });
    for (const { key, jwt } of statements) {
      replaceFile(join(this.dir, 'jwt', `${key}.jwt`), jwt, { mode: 0o600, isDurable: false });
    }
  }

  /** The accounts that a running server may know. */
  knownAccounts(): string[] {
    return this.#list('jwt').flatMap((name) => (name.endsWith('.jwt') ? [name.slice(0, -'.jwt'.length)] : []));
  }

  clearPorts(): void {
    for (const name of this.#list('ports')) rmSync(join(this.dir, 'ports', name));
  }

  /** The client port of that process, once it listens. */
  portOf(pid: number): number | undefined {
    const name = this.#list('ports').find((entry) => entry.endsWith(`_${pid}.ports`));
    const text = name === undefined ? undefined : readFileIfExists(join(this.dir, 'ports', name));
    // The server writes this file in place: half of it is as good as none.
    const port = /"nats"\s*:\s*\[\s*"nats:\/\/[^"]*:(\d+)"/.exec(text ?? '')?.[1];
    return port === undefined ? undefined : Number(port);
  }

  readRecord(): ServerRecord | undefined {
    const match = /^(\d+) (\d+) ([0-9a-f]+)\n$/.exec(readFileIfExists(join(this.dir, 'server.pid')) ?? '');
    const [, pid, startTime, fingerprint] = match ?? [];
    if (pid === undefined || startTime === undefined || fingerprint === undefined) return undefined;
    return { pid: Number(pid), startTime: Number(startTime), fingerprint };
  }

  writeRecord(record: ServerRecord): void {
    const text = `${record.pid} ${record.startTime} ${record.fingerprint}\n`;
    replaceFile(join(this.dir, 'server.pid'), text, { mode: 0o600, isDurable: false });
  }

  removeRecord(): void {
    rmSync(join(this.dir, 'server.pid'), { force: true });
  }

  /** The port that clients know; kept over restarts of the server and the machine. */
  readLastPort(): number | undefined {
    const port = Number(readFileIfExists(join(this.dir, 'port')) ?? '');
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  }

  writeLastPort(port: number): void {
    replaceFile(join(this.dir, 'port'), `${port}\n`, { mode: 0o600, isDurable: false });
  }

  /** Between two servers: the last one's log stays readable. */
  rotateLog(): void {
    if (this.#logBytes() > SERVER_LOG_BYTES / 8) renameSync(this.logPath, `${this.logPath}.1`);
  }

  /** While the server runs: it holds the file open for appending, so it can be emptied but not moved. */
  boundLog(): void {
    if (this.#logBytes() > SERVER_LOG_BYTES) truncateSync(this.logPath);
  }

  #logBytes(): number {
    return statSync(this.logPath, { throwIfNoEntry: false })?.size ?? 0;
  }

  #list(name: string): string[] {
    return readdirSync(join(this.dir, name));
  }
}
