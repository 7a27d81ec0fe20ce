import { join } from 'node:path';

/** Where everything of one container lies. The run directory is a tmpfs and gone after a reboot. */
export interface ContainerPaths {
  readonly run: string;
  readonly state: string;
  readonly networkPin: string;
  readonly userPin: string;
  /** Mount point of the root file system. */
  readonly root: string;
  readonly claims: string;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly hostname: string;
  readonly logs: string;
}

export function containerPaths(runDir: string, stateDir: string, id: string): ContainerPaths {
  // Asked for every container every second, so nothing is normalised.
  const run = `${runDir}/c/${id}`;
  const state = `${stateDir}/containers/${id}`;
  return {
    run,
    state,
    networkPin: `${run}/net`,
    userPin: `${run}/user`,
    root: `${run}/root`,
    claims: `${run}/claims`,
    hosts: `${state}/hosts`,
    resolvConf: `${state}/resolv.conf`,
    hostname: `${state}/hostname`,
    logs: `${state}/logs`,
  };
}

/** Bundle of one run, with the monitor's socket, its pid files and its log of errors. */
export function runBundle(paths: ContainerPaths, run: number): string {
  return join(paths.run, `run${run}`);
}

/** Where the monitor writes the exit code of one run. */
export function runExitDir(paths: ContainerPaths, run: number): string {
  return join(runBundle(paths, run), 'exit.d');
}

export function viewBundle(paths: ContainerPaths, view: string): string {
  return join(paths.run, `view-${view}`);
}

export function execDirectory(paths: ContainerPaths, exec: string): string {
  return join(paths.run, 'exec', exec.slice(0, 16));
}

/** What the monitor of the run that is up writes; it gets its number when it is rotated, or at the end of the run. */
export function currentLog(paths: ContainerPaths): string {
  return `${paths.logs}/current.log`;
}
