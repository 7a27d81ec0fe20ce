import { readFileSync } from 'node:fs';
import type { SecurityRequest } from '@cleat/sdk/container';
import { usageError } from '../command/usage-error.ts';
import { systemReason } from '../output/file-failure.ts';

/** "--security-opt", each with "=" or, as older scripts have it, ":". */
export function securityOf(texts: readonly string[]): SecurityRequest {
  return texts.reduce<SecurityRequest>((security, text) => ({ ...security, ...optionOf(text) }), {});
}

function optionOf(text: string): SecurityRequest {
  const [, name = text, value] = /^([a-z-]+)[=:](.*)$/s.exec(text) ?? [];
  if (name === 'no-new-privileges' && (value === undefined || value === 'true')) return { noNewPrivileges: true };
  if (name === 'no-new-privileges' && value === 'false') return { noNewPrivileges: false };
  if (name === 'seccomp' && value !== undefined && value !== '') return { seccomp: seccompOf(value) };
  if (name === 'apparmor' && value !== undefined && value !== '') return { apparmor: value };
  throw usageError(
    `--security-opt ${text} is not known`,
    'Known are no-new-privileges, seccomp=FILE|unconfined and apparmor=PROFILE|unconfined.',
  );
}

/** The profile's text: the node cannot read a file of whoever called. */
function seccompOf(value: string): string {
  if (value === 'unconfined' || value === 'default') return value;
  try {
    const text = readFileSync(value, 'utf8');
    JSON.parse(text);
    return text;
  } catch (error) {
    throw usageError(`--security-opt seccomp=${value}: ${systemReason(error)}`);
  }
}

/** "--device PATH[:PATH[:rwm]]". */
export function deviceOf(text: string): { readonly hostPath: string; readonly containerPath: string; readonly permissions: string } {
  const [hostPath = '', second, third] = text.split(':');
  const isMode = third === undefined && second !== undefined && /^[rwm]{1,3}$/.test(second);
  const permissions = (isMode ? second : third) ?? 'rwm';
  const containerPath = (isMode ? undefined : second) ?? hostPath;
  if (!hostPath.startsWith('/') || !containerPath.startsWith('/') || !/^[rwm]{1,3}$/.test(permissions)) {
    throw usageError(`--device ${text}: not PATH[:PATH[:rwm]]`);
  }
  return { hostPath, containerPath, permissions };
}
