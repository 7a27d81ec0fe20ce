import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The program that runs a command in a virtual machine: CLEAT_RUN_IN_VM, or run-in-vm from PATH, or the one beside the
 * project. It takes `--init tiny|systemd --timeout S --env NAME=VALUE -- COMMAND...` and gives back output and status.
 * @param {string} root
 * @returns {string | undefined}
 */
export function findRunInVm(root) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const named = process.env.CLEAT_RUN_IN_VM;
  const candidates = [
    ...folders.map((folder) => join(folder, 'run-in-vm')),
    join(root, '..', 'shared', 'vm', 'run-in-vm'),
  ];
  return [...(named === undefined ? [] : [named]), ...candidates].find((path) => existsSync(path));
}
