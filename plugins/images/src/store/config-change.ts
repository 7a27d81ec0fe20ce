import { constants } from 'node:os';
import { posix } from 'node:path';
import { changeError, expandWord, type Lookup, splitWords } from './dockerfile-words.ts';
import type { ContainerDefaults, Healthcheck } from './image-config.ts';
import { parseDurationNs } from './time.ts';

/*
 * What `--change` of import and commit may say: Dockerfile instructions that alter a configuration and nothing else.
 * They read as the Docker builder reads them.
 */

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Draft {
  readonly defaults: Mutable<ContainerDefaults>;
  /** ENTRYPOINT takes away a CMD that is not of the same list of changes. */
  isCmdSet: boolean;
}

type Apply = (draft: Draft, rest: string, lookup: Lookup) => void;

const MILLISECOND_NS = 1e6;

const INSTRUCTIONS: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ['CMD', applyCmd],
  ['ENTRYPOINT', applyEntrypoint],
  ['ENV', (draft, rest, lookup) => applyEnv(draft, readPairs('ENV', rest, lookup))],
  ['EXPOSE', applyExpose],
  ['HEALTHCHECK', (draft, rest) => void (draft.defaults.healthcheck = readHealthcheck(rest))],
  ['LABEL', applyLabel],
  ['ONBUILD', applyOnBuild],
  ['STOPSIGNAL', applyStopSignal],
  ['USER', (draft, rest, lookup) => void (draft.defaults.user = oneWord('USER', rest, lookup))],
  ['VOLUME', applyVolume],
  ['WORKDIR', applyWorkdir],
]);

/** The configuration after the changes. Errors: IMAGE_CHANGE_INVALID. */
export function applyChanges(defaults: ContainerDefaults, changes: readonly string[]): ContainerDefaults {
  const draft: Draft = { defaults: { ...defaults }, isCmdSet: false };
  for (const line of logicalLines(changes)) {
    const [, word = '', rest = ''] = /^(\S+)\s*([^]*)$/.exec(line) ?? [];
    const apply = INSTRUCTIONS.get(word.toUpperCase());
    if (apply === undefined) throw changeError(`${word.toUpperCase()} is not a valid change command`);
    if (rest === '') throw changeError(`${word.toUpperCase()} requires at least one argument`);
    apply(draft, rest.trimEnd(), (name) => envValue(draft.defaults.env, name));
  }
  return draft.defaults;
}

/** Comments taken away, continued lines put together. */
function logicalLines(changes: readonly string[]): string[] {
  const lines = changes
    .join('\n')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line) && line.trim() !== '');
  const logical: string[] = [];
  let open = '';
  for (const line of lines) {
    const continued = /\\[ \t]*$/.test(line);
    open += continued ? line.replace(/\\[ \t]*$/, '') : line;
    if (continued) continue;
    logical.push(open.trim());
    open = '';
  }
  if (open.trim() !== '') logical.push(open.trim());
  return logical;
}

/** An instruction's JSON form; undefined for the shell form. */
function jsonForm(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    return Array.isArray(value) && value.every((item): item is string => typeof item === 'string') ? value : undefined;
  } catch {
    // As Docker reads it: what is no array of strings is a line for the shell.
    return undefined;
  }
}

function commandOf(draft: Draft, rest: string): string[] {
  const shell = draft.defaults.shell.length > 0 ? draft.defaults.shell : ['/bin/sh', '-c'];
  return jsonForm(rest) ?? [...shell, rest];
}

function applyCmd(draft: Draft, rest: string): void {
  draft.defaults.cmd = commandOf(draft, rest);
  draft.isCmdSet = true;
}

function applyEntrypoint(draft: Draft, rest: string): void {
  draft.defaults.entrypoint = commandOf(draft, rest);
  if (!draft.isCmdSet) draft.defaults.cmd = [];
}

function envValue(env: readonly string[], name: string): string | undefined {
  return env.find((item) => item.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** name=value pairs, or in the old form one name and the rest of the line. */
function readPairs(instruction: string, rest: string, lookup: Lookup): [string, string][] {
  const words = splitWords(rest);
  if (!(words[0] ?? '').includes('=')) {
    const [, name = '', value] = /^(\S+)\s+([^]+)$/.exec(rest) ?? [];
    if (value === undefined) throw changeError(`${instruction} must have two arguments`);
    return [[expandWord(name, lookup), expandWord(value, lookup)]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 0) throw changeError(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    const name = expandWord(word.slice(0, equals), lookup);
    if (name === '') throw changeError(`${instruction} names can not be blank`);
    return [name, expandWord(word.slice(equals + 1), lookup)];
  });
}

function applyEnv(draft: Draft, pairs: readonly [string, string][]): void {
  const env = [...draft.defaults.env];
  for (const [name, value] of pairs) {
    const present = env.findIndex((item) => item.startsWith(`${name}=`));
    if (present >= 0) env[present] = `${name}=${value}`;
    else env.push(`${name}=${value}`);
  }
  draft.defaults.env = env;
}

function applyLabel(draft: Draft, rest: string, lookup: Lookup): void {
  draft.defaults.labels = new Map([...draft.defaults.labels, ...readPairs('LABEL', rest, lookup)]);
}

function applyExpose(draft: Draft, rest: string, lookup: Lookup): void {
  const ports = splitWords(rest).flatMap((word) => readPorts(expandWord(word, lookup)));
  draft.defaults.exposedPorts = [...new Set([...draft.defaults.exposedPorts, ...ports])];
}

/** "80", "80/udp" or "8000-8010/tcp" as one entry a port. */
function readPorts(text: string): string[] {
  const [, low, high, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? [];
  const first = Number(low);
  const last = Number(high ?? low);
  if (low === undefined || first < 1 || last > 65535 || last < first) throw changeError(`invalid containerPort: ${text}`);
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol.toLowerCase()}`);
}

function applyVolume(draft: Draft, rest: string, lookup: Lookup): void {
  const paths = (jsonForm(rest) ?? splitWords(rest)).map((word) => expandWord(word, lookup).trim());
  if (paths.includes('')) throw changeError('VOLUME specified can not be an empty string');
  draft.defaults.volumes = [...new Set([...draft.defaults.volumes, ...paths])];
}

function oneWord(instruction: string, rest: string, lookup: Lookup): string {
  const words = splitWords(rest);
  if (words.length !== 1) throw changeError(`${instruction} requires exactly one argument`);
  return expandWord(words[0] ?? '', lookup);
}

function applyWorkdir(draft: Draft, rest: string, lookup: Lookup): void {
  draft.defaults.workingDir = posix.resolve('/', draft.defaults.workingDir, expandWord(rest, lookup));
}

function applyStopSignal(draft: Draft, rest: string, lookup: Lookup): void {
  const signal = oneWord('STOPSIGNAL', rest, lookup);
  const name = signal.toUpperCase().replace(/^(?:SIG)?/, 'SIG');
  const isKnown = /^\d+$/.test(signal)
    ? Number(signal) >= 1 && Number(signal) <= 64
    : name in constants.signals || /^SIGRTM(?:IN(?:\+\d+)?|AX(?:-\d+)?)$/.test(name);
  if (!isKnown) throw changeError(`invalid signal: ${signal}`);
  draft.defaults.stopSignal = signal;
}

function applyOnBuild(draft: Draft, rest: string): void {
  const word = (rest.split(/\s/, 1)[0] ?? '').toUpperCase();
  if (word === 'ONBUILD') throw changeError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (word === 'FROM' || word === 'MAINTAINER') throw changeError(`${word} isn't allowed as an ONBUILD trigger`);
  draft.defaults.onBuild = [...draft.defaults.onBuild, rest];
}

function readHealthcheck(rest: string): Healthcheck {
  const flags = new Map<string, string>();
  let remaining = rest;
  for (let flag = nextFlag(remaining); flag !== undefined; flag = nextFlag(remaining)) {
    flags.set(flag.name, flag.value);
    remaining = remaining.slice(flag.length);
  }
  const [, type = '', command = ''] = /^(\S+)\s*([^]*)$/.exec(remaining) ?? [];
  const times = {
    intervalNs: duration(flags, 'interval'),
    timeoutNs: duration(flags, 'timeout'),
    startPeriodNs: duration(flags, 'start-period'),
    startIntervalNs: duration(flags, 'start-interval'),
    retries: retries(flags),
  };
  if (flags.size > 0) throw changeError(`Unknown flag: ${[...flags.keys()].join(', ')}`);
  if (type.toUpperCase() === 'NONE') {
    if (command !== '' || Object.values(times).some((value) => value !== 0)) throw changeError('HEALTHCHECK NONE takes no arguments');
    return { test: ['NONE'], ...times };
  }
  if (type.toUpperCase() !== 'CMD') throw changeError(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  if (command === '') throw changeError('Missing command after HEALTHCHECK CMD');
  const args = jsonForm(command);
  return { test: args === undefined ? ['CMD-SHELL', command] : ['CMD', ...args], ...times };
}

function nextFlag(text: string): { name: string; value: string; length: number } | undefined {
  const [all, name, value] = /^--([a-z-]+)=(\S*)\s+/.exec(text) ?? [];
  return all === undefined || name === undefined || value === undefined ? undefined : { name, value, length: all.length };
}

function duration(flags: Map<string, string>, name: string): number {
  const text = flags.get(name);
  flags.delete(name);
  if (text === undefined) return 0;
  const ns = parseDurationNs(text);
  if (ns === undefined) throw changeError(`invalid duration ${JSON.stringify(text)} for --${name}`);
  if (ns !== 0 && ns < MILLISECOND_NS) throw changeError(`Interval ${JSON.stringify(name)} cannot be less than 1ms`);
  return ns;
}

function retries(flags: Map<string, string>): number {
  const text = flags.get('retries');
  flags.delete('retries');
  if (text === undefined) return 0;
  if (!/^\d{1,9}$/.test(text)) throw changeError(`--retries must be at least 0 (not ${text})`);
  return Number(text);
}
