import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { CleatError } from '@cleat/schemas';
import type { OciSeccomp, OciSeccompRule } from './oci-spec.ts';

/** What decides which rules of a profile apply. */
export interface SeccompContext {
  /** The capabilities of the container (its bounding set). */
  readonly capabilities: readonly string[];
  /** As Node names it. */
  readonly architecture?: string;
  /** Version of the running kernel, `6.1.0-13-amd64`. */
  readonly kernelRelease?: string;
}

interface Filter {
  readonly caps?: readonly string[] | null;
  readonly arches?: readonly string[] | null;
  readonly minKernel?: string;
}

interface ProfileRule {
  readonly name?: string;
  readonly names?: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: OciSeccompRule['args'] | null;
  readonly includes?: Filter | null;
  readonly excludes?: Filter | null;
}

interface Profile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[] | null;
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null }[];
  readonly flags?: readonly string[] | null;
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly ProfileRule[] | null;
}

/** Node's name of an architecture, the one that profiles use, and libseccomp's. */
const ARCHITECTURES: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['x64', ['amd64', 'SCMP_ARCH_X86_64']],
  ['ia32', ['386', 'SCMP_ARCH_X86']],
  ['arm64', ['arm64', 'SCMP_ARCH_AARCH64']],
  ['arm', ['arm', 'SCMP_ARCH_ARM']],
  ['s390x', ['s390x', 'SCMP_ARCH_S390X']],
  ['ppc64', ['ppc64le', 'SCMP_ARCH_PPC64LE']],
  ['riscv64', ['riscv64', 'SCMP_ARCH_RISCV64']],
  ['loong64', ['loong64', 'SCMP_ARCH_LOONGARCH64']],
]);

/** From kernel/dist/src/oci to kernel/data. */
const DEFAULT_PROFILE = new URL('../../../data/seccomp-default.json', import.meta.url);
const CACHE_LIMIT = 16;

/** The default profile for a set of capabilities: most containers of a host have one of a few. */
const cache = new Map<string, OciSeccomp>();

/**
 * The filter for `default` (Docker's profile) or the JSON text of a profile in Docker's format; undefined for `unconfined`.
 * @throws CleatError `invalid_argument` SECCOMP_PROFILE_INVALID
 */
export function seccompFor(profile: string, context: SeccompContext): OciSeccomp | undefined {
  if (profile === 'unconfined') return undefined;
  if (profile !== 'default' && profile !== '') return toOci(parseProfile(profile), context);
  const key = `${[...context.capabilities].sort().join()} ${context.architecture ?? ''} ${context.kernelRelease ?? ''}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = toOci(parseProfile(readFileSync(DEFAULT_PROFILE, 'utf8')), context);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(key, made);
  return made;
}

function invalid(reason: string, cause?: unknown): CleatError {
  return new CleatError('invalid_argument', 'SECCOMP_PROFILE_INVALID', `decoding seccomp profile failed: ${reason}`, { cause });
}

function parseProfile(text: string): Profile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid('it is not JSON', error);
  }
  if (!isProfile(value)) throw invalid('it has no defaultAction, or rules without names and action');
  if ((value.architectures?.length ?? 0) > 0 && (value.archMap?.length ?? 0) > 0) {
    throw invalid('use either "architectures" or "archMap"');
  }
  return value;
}

function isProfile(value: unknown): value is Profile {
  if (typeof value !== 'object' || value === null || !('defaultAction' in value)) return false;
  const rules: unknown = 'syscalls' in value ? value.syscalls : undefined;
  if (typeof value.defaultAction !== 'string') return false;
  return rules === undefined || rules === null || (Array.isArray(rules) && rules.every(isRule));
}

function isRule(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('action' in value) || typeof value.action !== 'string') return false;
  const names: unknown = 'names' in value ? value.names : undefined;
  const name: unknown = 'name' in value ? value.name : undefined;
  if (names !== undefined && name !== undefined && name !== '') return false;
  return typeof name === 'string' || (Array.isArray(names) && names.every((item) => typeof item === 'string'));
}

function toOci(profile: Profile, context: SeccompContext): OciSeccomp {
  const [goName = '', native] = ARCHITECTURES.get(context.architecture ?? process.arch) ?? [];
  const facts = { goName, caps: new Set(context.capabilities), kernel: context.kernelRelease ?? release() };
  const syscalls = (profile.syscalls ?? []).filter((rule) => applies(rule, facts)).map(toOciRule);
  const { defaultAction, defaultErrnoRet, listenerPath, listenerMetadata } = profile;
  const architectures = architecturesOf(profile, native);
  const flags = profile.flags ?? undefined;
  return { defaultAction, defaultErrnoRet, architectures, flags, listenerPath, listenerMetadata, syscalls };
}

/** The family of this host's architecture, or what the profile says for every host. */
function architecturesOf({ archMap, architectures }: Profile, native: string | undefined): readonly string[] | undefined {
  const family = archMap?.find((entry) => entry.architecture === native);
  if (family !== undefined) return [family.architecture, ...(family.subArchitectures ?? [])];
  return architectures ?? undefined;
}

function toOciRule({ name = '', names, action, errnoRet, args }: ProfileRule): OciSeccompRule {
  return { names: names ?? [name], action, errnoRet, args: args ?? undefined };
}

interface Facts {
  /** Empty for an architecture that profiles do not know. */
  readonly goName: string;
  readonly caps: ReadonlySet<string>;
  readonly kernel: string;
}

/** One exclusion that holds takes a rule out; every inclusion must hold. */
function applies({ excludes, includes }: ProfileRule, facts: Facts): boolean {
  return !isExcluded(excludes ?? {}, facts) && isIncluded(includes ?? {}, facts);
}

function isExcluded({ arches, caps, minKernel }: Filter, { goName, caps: own, kernel }: Facts): boolean {
  if ((arches ?? []).includes(goName) || (caps ?? []).some((cap) => own.has(cap))) return true;
  return minKernel !== undefined && isAtLeast(kernel, minKernel);
}

function isIncluded({ arches, caps, minKernel }: Filter, { goName, caps: own, kernel }: Facts): boolean {
  const hasArch = (arches ?? []).length === 0 || (arches ?? []).includes(goName);
  if (!hasArch || !(caps ?? []).every((cap) => own.has(cap))) return false;
  return minKernel === undefined || isAtLeast(kernel, minKernel);
}

function isAtLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = versionOf(kernel);
  const [wantedMajor = 0, wantedMinor = 0] = versionOf(wanted);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function versionOf(text: string): number[] {
  return text
    .split('.')
    .slice(0, 2)
    .map((part) => Number.parseInt(part, 10));
}
