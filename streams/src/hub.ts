import type { Socket } from 'node:net';
import { ExecProcesses } from './exec-processes.ts';
import {
  type Answer,
  type Command,
  type Connect,
  type Exec,
  type Exited,
  type Framing,
  type HeldTarget,
  type OfferAttach,
  type OfferWait,
  TICKET_MS,
  type WaitCondition,
} from './protocol.ts';
import { RunStreams, type RunStreamsOptions } from './run-streams.ts';
import { AttachSession } from './session.ts';
import { MonitorSource } from './source.ts';
import { WaitSession } from './wait-session.ts';

/** All that is held for one container or exec. */
interface Target {
  readonly id: string;
  /** Sessions of a run that is not there yet. */
  readonly expecting: Set<AttachSession>;
  readonly waiting: Set<WaitSession>;
  run: RunStreams | undefined;
  /** A process of our own; kept until the kernel knows its end. */
  exec: { exitCode: number | null } | undefined;
}

/** A place whose client has not come yet. */
interface Ticket {
  readonly session: AttachSession | WaitSession;
  readonly expiry: NodeJS.Timeout;
}

export interface HubOptions {
  /** Where output goes that a slow client has not taken. */
  readonly spoolDirectory: string;
  readonly onSessions: (target: string, sessions: number) => void;
  readonly onExecEnded: (target: string, exitCode: number) => void;
  /** The last client has gone, and nothing is held. */
  readonly onEmpty: () => void;
}

/** Who is attached to what, and who waits for what. */
export class Hub {
  readonly #options: HubOptions;
  readonly #targets = new Map<string, Target>();
  readonly #tickets = new Map<string, Ticket>();
  readonly #processes = new ExecProcesses();

  constructor(options: HubOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#targets.size === 0 && this.#tickets.size === 0;
  }

  held(): HeldTarget[] {
    return [...this.#targets.values()].map((target) => ({
      target: target.id,
      run: target.run?.run ?? 0,
      sessions: sessionsOf(target),
      waits: [...new Set([...target.waiting].map(({ offer }) => offer.condition))],
      ...(target.exec === undefined ? {} : { exec: target.exec }),
    }));
  }

  /** What belongs into the answer; at once, but for an exec. */
  execute(command: Command): Promise<Partial<Answer>> | undefined {
    switch (command.type) {
      case 'exec':
        return this.#exec(command);
      case 'offer-attach':
        this.#offerAttach(command);
        break;
      case 'offer-wait':
        this.#offerWait(command);
        break;
      case 'connect':
        this.#connect(command);
        break;
      case 'exited':
        this.#exited(command);
        break;
      case 'removed':
        this.#removed(command.target, command.exitCode);
        break;
    }
    return undefined;
  }

  /** A client with a token. False for a token that is unknown, used or too old. */
  accept(token: string, socket: Socket, framing: Framing, head: Buffer): boolean {
    const ticket = this.#tickets.get(token);
    if (ticket === undefined) return false;
    clearTimeout(ticket.expiry);
    this.#tickets.delete(token);
    ticket.session.accept(socket, framing, head);
    return true;
  }

  #issue(token: string, session: AttachSession | WaitSession): void {
    const expiry = setTimeout(() => {
      this.#tickets.delete(token);
      session.close(false);
    }, TICKET_MS);
    this.#tickets.set(token, { session, expiry });
  }

  #target(id: string): Target {
    const known = this.#targets.get(id);
    if (known !== undefined) return known;
    const target: Target = { id, expecting: new Set(), waiting: new Set(), run: undefined, exec: undefined };
    this.#targets.set(id, target);
    return target;
  }

  #offerAttach(offer: OfferAttach): void {
    // A request that is sent again after a lost connection.
    if (this.#tickets.has(offer.token)) return;
    const target = this.#target(offer.target);
    const session = new AttachSession(offer, this.#options.spoolDirectory, {
      onClose: (closed, isStdinOver) => {
        this.#left(target, closed, isStdinOver);
      },
      onRelief: () => {
        target.run?.relieve();
      },
    });
    this.#issue(offer.token, session);
    if (target.run?.run === offer.run) target.run.add(session);
    else target.expecting.add(session);
    this.#tell(target);
  }

  #left(target: Target, session: AttachSession, isStdinOver: boolean): void {
    target.expecting.delete(session);
    target.run?.remove(session, isStdinOver);
    this.#tell(target);
    this.#forgetIfEmpty(target);
  }

  #offerWait(offer: OfferWait): void {
    if (this.#tickets.has(offer.token)) return;
    const target = this.#target(offer.target);
    const session = new WaitSession(offer, this.#options.spoolDirectory, (closed) => {
      target.waiting.delete(closed);
      this.#forgetIfEmpty(target);
    });
    this.#issue(offer.token, session);
    target.waiting.add(session);
  }

  #connect({ target: id, run, attachPath, isExec }: Connect): void {
    const target = this.#target(id);
    if (target.run?.run === run) return;
    const first = [...target.expecting].find((session) => session.offer.run <= run)?.offer;
    // Nobody is there any more.
    if (first === undefined) {
      this.#forgetIfEmpty(target);
      return;
    }
    this.#open(target, {
      run,
      source: (events) => new MonitorSource(attachPath, events),
      openStdin: first.openStdin,
      isStdinEndedByLeaving: first.stdinOnce && !first.terminal,
      endsByWord: isExec,
    });
  }

  /** From here on those who wait for the run see it. */
  #open(target: Target, options: Omit<RunStreamsOptions, 'onClose'>): void {
    const streams = new RunStreams({
      ...options,
      onClose: () => {
        if (target.run === streams) target.run = undefined;
        this.#tell(target);
        this.#forgetIfEmpty(target);
      },
    });
    target.run = streams;
    for (const session of target.expecting) {
      if (session.offer.run > options.run) continue;
      target.expecting.delete(session);
      streams.add(session);
    }
  }

  async #exec(command: Exec): Promise<Partial<Answer>> {
    const { target: id, run, openStdin } = command;
    this.#offerAttach({ ...command, type: 'offer-attach', terminal: false, detachKeys: '' });
    const target = this.#target(id);
    const state: { exitCode: number | null } = { exitCode: null };
    target.exec = state;
    try {
      const made = await this.#processes.start(command);
      if (made.pid > 0) {
        this.#open(target, { run, source: made.listen, openStdin, isStdinEndedByLeaving: true, endsByWord: true });
        void made.exitCode.then((exitCode) => {
          state.exitCode = exitCode;
          this.#options.onExecEnded(id, exitCode);
          target.run?.ended();
        });
      } else this.#dropExec(target);
      return { pid: made.pid, complaint: made.complaint };
    } catch (error) {
      this.#dropExec(target);
      throw error;
    }
  }

  #dropExec(target: Target): void {
    target.exec = undefined;
    for (const session of target.expecting) session.end();
    this.#forgetIfEmpty(target);
  }

  #exited({ target: id, run, exitCode, error, willRestart }: Exited): void {
    const target = this.#targets.get(id);
    if (target === undefined) return;
    for (const session of target.expecting) if (session.offer.run <= run) session.end();
    const ended: readonly WaitCondition[] = willRestart ? ['next-exit'] : ['next-exit', 'not-running'];
    for (const session of target.waiting) if (ended.includes(session.offer.condition)) session.answer(exitCode, error);
    this.#endExec(target);
  }

  /** Its end is known to the kernel. */
  #endExec(target: Target): void {
    target.exec = undefined;
    target.run?.noted();
    this.#forgetIfEmpty(target);
  }

  #removed(id: string, exitCode: number): void {
    const target = this.#targets.get(id);
    if (target === undefined) return;
    for (const session of target.expecting) session.end();
    for (const session of target.waiting) session.answer(exitCode, '');
    this.#endExec(target);
  }

  #tell(target: Target): void {
    this.#options.onSessions(target.id, sessionsOf(target));
  }

  #forgetIfEmpty(target: Target): void {
    const isUnused = sessionsOf(target) === 0 && target.waiting.size === 0;
    const isEmpty = isUnused && target.run === undefined && target.exec === undefined;
    if (!isEmpty || this.#targets.get(target.id) !== target) return;
    this.#targets.delete(target.id);
    if (this.isEmpty) this.#options.onEmpty();
  }
}

function sessionsOf(target: Target): number {
  return target.expecting.size + (target.run?.sessions.size ?? 0);
}
