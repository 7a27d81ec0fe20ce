import type { Socket } from 'node:net';
import {
  type Command,
  type Connect,
  type Exited,
  type Framing,
  type HeldTarget,
  type OfferAttach,
  type OfferWait,
  TICKET_MS,
  type WaitCondition,
} from './protocol.ts';
import { RunStreams } from './run-streams.ts';
import { AttachSession } from './session.ts';
import { WaitSession } from './wait-session.ts';

/** All that is held for one container or exec. */
interface Target {
  readonly id: string;
  /** Sessions of a run that is not there yet. */
  readonly expecting: Set<AttachSession>;
  readonly waiting: Set<WaitSession>;
  run: RunStreams | undefined;
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
  /** The last client has gone, and nothing is held. */
  readonly onEmpty: () => void;
}

/** Who is attached to what, and who waits for what. */
export class Hub {
  readonly #options: HubOptions;
  readonly #targets = new Map<string, Target>();
  readonly #tickets = new Map<string, Ticket>();

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
    }));
  }

  execute(command: Command): void {
    switch (command.type) {
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
    const target: Target = { id, expecting: new Set(), waiting: new Set(), run: undefined };
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

  #connect({ target: id, run, attachPath }: Connect): void {
    const target = this.#target(id);
    if (target.run?.run === run) return;
    const sessions = [...target.expecting].filter((session) => session.offer.run <= run);
    const first = sessions[0]?.offer;
    // Nobody is there any more.
    if (first === undefined) {
      this.#forgetIfEmpty(target);
      return;
    }
    const streams = new RunStreams({
      run,
      attachPath,
      openStdin: first.openStdin,
      isStdinEndedByLeaving: first.stdinOnce && !first.terminal,
      onClose: () => {
        if (target.run === streams) target.run = undefined;
        this.#tell(target);
        this.#forgetIfEmpty(target);
      },
    });
    target.run = streams;
    for (const session of sessions) {
      target.expecting.delete(session);
      streams.add(session);
    }
  }

  #exited({ target: id, run, exitCode, error, willRestart }: Exited): void {
    const target = this.#targets.get(id);
    if (target === undefined) return;
    for (const session of target.expecting) if (session.offer.run <= run) session.end();
    const ended: readonly WaitCondition[] = willRestart ? ['next-exit'] : ['next-exit', 'not-running'];
    for (const session of target.waiting) if (ended.includes(session.offer.condition)) session.answer(exitCode, error);
  }

  #removed(id: string, exitCode: number): void {
    const target = this.#targets.get(id);
    if (target === undefined) return;
    for (const session of target.expecting) session.end();
    for (const session of target.waiting) session.answer(exitCode, '');
  }

  #tell(target: Target): void {
    this.#options.onSessions(target.id, sessionsOf(target));
  }

  #forgetIfEmpty(target: Target): void {
    const isEmpty = sessionsOf(target) === 0 && target.waiting.size === 0 && target.run === undefined;
    if (!isEmpty || this.#targets.get(target.id) !== target) return;
    this.#targets.delete(target.id);
    if (this.isEmpty) this.#options.onEmpty();
  }
}

function sessionsOf(target: Target): number {
  return target.expecting.size + (target.run?.sessions.size ?? 0);
}
