import type { Provision } from '@cleat/core';
import { CleatError, type containerTypes, type journal } from '@cleat/schemas';

export type Status = Exclude<containerTypes.Status, 'UNKNOWN'>;
export type Progress = journal.Progress;
export type Definition = journal.Definition;

/** A container as the kernel knows it. Definition and progress are replaced, never changed. */
export interface Container {
  readonly definition: Definition;
  readonly progress: Progress;
  /** Revision of the kernel's state at its last change. */
  readonly changedAt: number;
}

/** Which status may follow which: the one place that decides. */
const MOVES: Readonly<Record<Status, readonly Status[]>> = {
  // To restarting: its first start, by policy after a boot, waits for a plugin.
  created: ['starting', 'restarting', 'removing'],
  starting: ['running', 'created', 'exited', 'restarting', 'removing', 'dead'],
  running: ['pausing', 'stopping', 'restarting', 'exited', 'dead'],
  pausing: ['paused', 'running', 'exited', 'restarting', 'dead'],
  paused: ['running', 'stopping', 'exited', 'restarting', 'dead'],
  restarting: ['starting', 'exited', 'removing', 'dead'],
  stopping: ['exited', 'running', 'restarting', 'dead'],
  exited: ['starting', 'restarting', 'removing', 'dead'],
  removing: ['dead'],
  dead: ['removing'],
};

/** Throws `conflict` CONTAINER_STATE, naming both states, for a move that is not legal. */
export function checkMove(name: string, from: containerTypes.Status, to: Status): void {
  if (from === to || (from !== 'UNKNOWN' && MOVES[from].includes(to))) return;
  throw new CleatError('conflict', 'CONTAINER_STATE', `container ${name} is ${from} and cannot become ${to}`, { details: { from, to } });
}

/** The progress of a container that is about to be created. */
export function initialProgress(bootId: string, claims: readonly Provision[]): Progress {
  return {
    state: {
      status: 'created',
      pid: 0,
      exitCode: 0,
      oomKilled: false,
      error: '',
      startedAt: 0n,
      finishedAt: 0n,
      restartCount: 0,
      run: 0,
      stoppedByClient: false,
    },
    open: 'create',
    step: '',
    number: 0,
    bootId,
    claims,
    holders: [],
    execs: [],
    objectSequence: 0,
    restartAt: 0n,
    monitor: NO_PROCESS,
    init: NO_PROCESS,
    namespaces: false,
    rootMounted: false,
    filling: [],
    purge: false,
    logFirst: 1,
    logLast: 1,
    logDropped: 0,
  };
}

export const NO_PROCESS: journal.ProcessIdentity = { pid: 0, startTime: 0 };

/** The progress with another status, checked, and other parts of its state. */
export function moved(current: Container, to: Status, state: Partial<containerTypes.State> = {}): Progress {
  checkMove(current.definition.name, current.progress.state.status, to);
  return { ...current.progress, state: { ...current.progress.state, ...state, status: to } };
}

/** The progress with one claim replaced. */
export function withClaim(progress: Progress, claim: Provision): Progress {
  return { ...progress, claims: progress.claims.map((known) => (known.name === claim.name ? claim : known)) };
}

/** A process of the container is there: it runs, or is paused, or is being told to stop. */
export function hasProcess(progress: Progress): boolean {
  return ['running', 'pausing', 'paused', 'stopping'].includes(progress.state.status);
}

/** The holder of a use that is the current run. */
export function runHolder(run: number): string {
  return `run:${run}`;
}
