import { CleatError, type containerTypes } from '@cleat/schemas';
import type { HostFacts } from './host.ts';
import type { OciCapabilities, OciProcess } from './oci-spec.ts';
import type { ResolvedUser } from './user.ts';

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ProcessInput {
  readonly process: containerTypes.Process;
  readonly user: ResolvedUser;
  readonly isPrivileged: boolean;
  readonly host: HostFacts;
  /** NAME=value, in rising precedence, below those of the process itself. */
  readonly environment: readonly string[];
  readonly hostname: string;
}

/** The process part of a specification, for a container's first process and for an exec. */
export function buildProcess(input: ProcessInput): OciProcess {
  const { process, user, host } = input;
  if (process.args.length === 0) throw new CleatError('invalid_argument', 'COMMAND_MISSING', 'no command specified');
  const hasSize = process.terminal && process.consoleRows > 0 && process.consoleColumns > 0;
  const { uid, gid, additionalGids } = user;
  return {
    terminal: process.terminal,
    consoleSize: hasSize ? { height: process.consoleRows, width: process.consoleColumns } : undefined,
    user: { uid, gid, additionalGids },
    args: process.args,
    env: environment(input),
    cwd: process.cwd === '' ? '/' : process.cwd,
    capabilities: capabilities(process.capabilities, uid, input),
    rlimits: process.rlimits,
    noNewPrivileges: process.noNewPrivileges,
    apparmorProfile: host.hasAppArmor && process.apparmorProfile !== '' ? process.apparmorProfile : undefined,
    // Never left out: the monitor, which the process would inherit from, protects itself with -1000.
    oomScoreAdj: process.oomScoreAdj ?? 0,
  };
}

/** As Docker orders it; a name given twice has its last value, one without `=` is taken away. */
function environment(input: ProcessInput): string[] {
  const { process, user, hostname } = input;
  const result = new Map<string, string>();
  const add = (entry: string): void => {
    const equals = entry.indexOf('=');
    if (equals < 0) result.delete(entry);
    else result.set(entry.slice(0, equals), entry);
  };
  add(DEFAULT_PATH);
  if (hostname !== '') add(`HOSTNAME=${hostname}`);
  if (process.terminal) add('TERM=xterm');
  for (const entry of [...input.environment, ...process.env]) add(entry);
  if (!result.has('HOME')) add(`HOME=${user.home}`);
  return [...result.values()];
}

/** For a user other than root they only bound what a set-id program can get, as in Docker. */
function capabilities(asked: readonly string[], uid: number, input: ProcessInput): OciCapabilities {
  const available = new Set(input.host.capabilities);
  const missing = asked.find((name) => !available.has(name));
  if (missing !== undefined && !input.isPrivileged) {
    throw new CleatError(
      'invalid_argument',
      'CAPABILITY_UNAVAILABLE',
      `capability not supported by your kernel or not available in the current environment: "${missing}"`,
    );
  }
  const bounding = asked.filter((name) => available.has(name));
  const own = uid === 0 ? bounding : [];
  return { bounding, effective: own, permitted: own, inheritable: [], ambient: [] };
}
