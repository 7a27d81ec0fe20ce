import { CleatError } from '@cleat/schemas';

/** What an image runs on, in Go's words. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', 'ppc64le'],
  ['mips64el', 'mips64le'],
]);

const ALIASES: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['aarch64', 'arm64'],
]);

export function hostPlatform(): Platform {
  return { os: 'linux', architecture: ARCHITECTURES.get(process.arch) ?? process.arch, variant: '' };
}

/** "linux/arm64/v8", "linux/amd64" or "arm64"; empty means this host's. Errors: IMAGE_PLATFORM_INVALID, IMAGE_PLATFORM_UNSUPPORTED. */
export function parsePlatform(text: string): Platform {
  if (text === '') return hostPlatform();
  const parts = text.toLowerCase().split('/');
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) {
    throw new CleatError('invalid_argument', 'IMAGE_PLATFORM_INVALID', `${JSON.stringify(text)} is an invalid platform`, {
      hint: 'A platform is written os/architecture or os/architecture/variant: linux/arm64/v8.',
    });
  }
  const [first = '', second, variant = ''] = parts;
  const host = hostPlatform();
  const isOs = first === 'linux' || second !== undefined;
  const architecture = isOs ? (second ?? host.architecture) : first;
  const platform = { os: isOs ? first : host.os, architecture: ALIASES.get(architecture) ?? architecture, variant };
  requireLinux(platform.os);
  return platform;
}

/** Errors: IMAGE_PLATFORM_UNSUPPORTED. */
export function requireLinux(os: string): void {
  if (os === 'linux' || os === '') return;
  throw new CleatError('unimplemented', 'IMAGE_PLATFORM_UNSUPPORTED', `an image for ${os} cannot be used on linux`);
}
