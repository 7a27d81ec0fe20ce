import { CleatError } from '@cleat/schemas';
import type { HealthOptions } from './claims.ts';
import type { ContainerRequest, ImageDefaults } from './request.ts';

type ImageConfig = ImageDefaults['config'];

/** The image's entrypoint stays when the request has none; its command only when the request has neither. */
export function commandOf(
  request: ContainerRequest,
  image: ImageConfig | undefined,
): { readonly entrypoint: readonly string[]; readonly command: readonly string[] } {
  let entrypoint = request.entrypoint;
  let command = request.command ?? [];
  if (entrypoint === undefined || entrypoint.length === 0) {
    if (command.length === 0) command = image?.cmd ?? [];
    entrypoint ??= image?.entrypoint ?? [];
  }
  if (entrypoint.length === 1 && entrypoint[0] === '') entrypoint = [];
  if (entrypoint.length === 0 && command.length === 0) {
    throw new CleatError('invalid_argument', 'COMMAND_MISSING', 'no command specified', {
      hint: 'Give a command after the image, or an image that has one.',
    });
  }
  return { entrypoint, command };
}

function nameOf(entry: string): string {
  const equals = entry.indexOf('=');
  return equals < 0 ? entry : entry.slice(0, equals);
}

/** The user's variables first, then those of the image that they do not name. A name without value is kept out. */
export function environmentOf(user: readonly string[], image: readonly string[]): readonly string[] {
  for (const entry of user) {
    if (nameOf(entry) === '') throw new CleatError('invalid_argument', 'ENV_INVALID', `invalid environment variable: ${entry}`);
  }
  const named = new Set(user.map(nameOf));
  const last = new Map(user.map((entry) => [nameOf(entry), entry]));
  const own = [...last.values()].filter((entry) => entry.includes('='));
  return [...own, ...image.filter((entry) => !named.has(nameOf(entry)))];
}

/** The check that applies; undefined when there is none or it is switched off. */
export function healthOf(
  request: ContainerRequest,
  image: ImageConfig | undefined,
): { readonly options: HealthOptions; readonly fromImage: boolean } | undefined {
  const base = image?.healthcheck ?? undefined;
  const own = request.health;
  const test = own?.test !== undefined && own.test.length > 0 ? own.test : base?.test;
  if (test === undefined || test.length === 0 || test[0] === 'NONE') return undefined;
  const durations = ['intervalNs', 'timeoutNs', 'startPeriodNs', 'startIntervalNs', 'retries'] as const;
  const values = durations.map((name) => [name, own?.[name] || base?.[name] || 0] as const).filter(([, value]) => value !== 0);
  return { options: { test, ...Object.fromEntries(values) }, fromImage: own === undefined };
}

/** As Docker: absolute, or none. */
export function workingDirOf(request: ContainerRequest, image: ImageConfig | undefined): string {
  const directory = request.workingDir || image?.workingDir || '/';
  if (!directory.startsWith('/')) {
    throw new CleatError(
      'invalid_argument',
      'WORKING_DIR_RELATIVE',
      `the working directory '${directory}' is invalid, it needs to be an absolute path`,
    );
  }
  return directory;
}

const RLIMITS: ReadonlySet<string> = new Set([
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]);

export function rlimitsOf(ulimits: ContainerRequest['ulimits']): readonly { type: string; soft: number; hard: number }[] {
  return (ulimits ?? []).map(({ name, soft, hard }) => {
    if (!RLIMITS.has(name)) throw new CleatError('invalid_argument', 'ULIMIT_UNKNOWN', `invalid ulimit type: ${name}`);
    if (hard !== -1 && (soft === -1 || soft > hard)) {
      throw new CleatError(
        'invalid_argument',
        'ULIMIT_INVALID',
        `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
      );
    }
    return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard };
  });
}
