import { CleatError, type containerTypes } from '@cleat/schemas';
import { parseSignal } from './signals.ts';

const POLICIES: readonly string[] = ['no', 'on-failure', 'always', 'unless-stopped'];

/** Refuses, with Docker's words, a spec that can never run anywhere. Throws `invalid_argument`. */
export function checkSpecText(spec: containerTypes.Spec): void {
  if (spec.process.args.length === 0) throw new CleatError('invalid_argument', 'COMMAND_MISSING', 'No command specified');
  if (!POLICIES.includes(spec.restart.name))
    throw new CleatError('invalid_argument', 'RESTART_POLICY', `invalid restart policy '${spec.restart.name}'`);
  if (spec.restart.maximumRetries < 0) throw new CleatError('invalid_argument', 'RESTART_POLICY', 'maximum retry count cannot be negative');
  if (spec.autoRemove && spec.restart.name !== 'no') {
    throw new CleatError('invalid_argument', 'RESTART_AUTOREMOVE', "can't create 'AutoRemove' container with restart policy");
  }
  parseSignal(spec.stopSignal);
  const { ipc, uts } = spec.namespaces;
  // /dev/shm is a mount of each container: sharing the namespace without it would be half of what Docker shares.
  if (ipc === 'shareable' || ipc.startsWith('container:') || uts.startsWith('container:')) {
    const what = uts.startsWith('container:') ? `uts=${uts}` : `ipc=${ipc}`;
    throw new CleatError(
      'unimplemented',
      'NAMESPACE_SHARING',
      `${what} is not supported: this version shares network and pid namespaces of containers`,
    );
  }
  checkMounts(spec.mounts);
}

function checkMounts(mounts: readonly containerTypes.Mount[]): void {
  for (const { target, source, type } of mounts) {
    if (!target.startsWith('/'))
      throw new CleatError('invalid_argument', 'MOUNT_TARGET', `invalid mount config: '${target}' is not an absolute path`);
    if (type !== 'bind' && type !== 'tmpfs')
      throw new CleatError('invalid_argument', 'MOUNT_TYPE', `mount type "${type}" is neither bind nor tmpfs`);
    if (type === 'bind' && !source.startsWith('/'))
      throw new CleatError('invalid_argument', 'MOUNT_SOURCE', `invalid mount config: '${source}' is not an absolute path`);
  }
}
