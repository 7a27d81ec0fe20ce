import type { SecurityRequest } from '@cleat/sdk/container';
import { badRequest, unsupported } from '../errors.ts';
import type { Fields } from './fields.ts';

function optionOf(text: string): readonly [name: string, value: string | undefined] {
  // Old clients write a colon.
  const at = text.search(/[=:]/);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function flag(text: string, value: string | undefined): boolean {
  if (value === undefined || value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw badRequest(`invalid --security-opt: ${text}`);
}

function seccompOf(text: string, value: string | undefined): string {
  if (value === 'unconfined') return 'unconfined';
  if (value === 'builtin' || value === 'default') return 'default';
  try {
    JSON.parse(value ?? '');
  } catch {
    throw badRequest(`Decoding seccomp profile failed: ${text.slice(0, 80)} is neither "unconfined", "builtin" nor a profile`);
  }
  return value ?? '';
}

function applied(security: SecurityRequest, text: string): SecurityRequest {
  const [name, value] = optionOf(text);
  switch (name) {
    case 'no-new-privileges':
      return { ...security, noNewPrivileges: flag(text, value) };
    case 'seccomp':
      return { ...security, seccomp: seccompOf(text, value) };
    case 'apparmor':
      return { ...security, apparmor: value ?? '' };
    case 'label':
      // Without SELinux a label has no effect; switching it off is always fine.
      if (value === 'disable' || value === undefined) return security;
      throw unsupported(`security option "${text}" is not supported: there is no SELinux support`);
    case 'systempaths':
      if (value === 'unconfined') return { ...security, maskedPaths: [], readonlyPaths: [] };
      throw badRequest(`invalid --security-opt: "${text}"`);
    default:
      throw badRequest(`invalid --security-opt 2: "${text}"`);
  }
}

/** HostConfig.SecurityOpt with the lists of paths, which the command line sends beside it. */
export function securityRequest(host: Fields): SecurityRequest {
  let security: SecurityRequest = {};
  for (const text of host.strings('SecurityOpt')) security = applied(security, text);
  const masked = host.optionalStrings('MaskedPaths');
  const readonly = host.optionalStrings('ReadonlyPaths');
  return {
    ...security,
    ...(masked === undefined ? {} : { maskedPaths: masked }),
    ...(readonly === undefined ? {} : { readonlyPaths: readonly }),
  };
}
