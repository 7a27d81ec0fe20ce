import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CleatError, type ErrorClass, type provider, type providerTypes } from '@cleat/schemas';
import { type CallContext, type Journal, type PluginContext, type ReconcileAll, sleep } from '@cleat/sdk';

/** Names the format of the fake's records. */
const FORMAT = '66616b6500000001';

/** What a test makes an operation do, besides its work; read anew at each call. */
export interface Behaviour {
  readonly delayMs?: number;
  readonly error?: { readonly class: ErrorClass; readonly code: string; readonly message: string };
  /** It never answers, whatever its signal says. */
  readonly hang?: boolean;
  /** SIGKILL of its own process, before or after the work. */
  readonly die?: 'before' | 'after';
  /** Only for this claim. */
  readonly claim?: string;
}

export interface Control {
  readonly reserve?: Behaviour;
  readonly release?: Behaviour;
  readonly attach?: Behaviour;
  readonly detach?: Behaviour;
  readonly update?: Behaviour;
  readonly judge?: Behaviour & { readonly deny?: string };
  readonly reconcile?: Behaviour & {
    /** "CONTAINER/CLAIM" that it says it cannot undo. */
    readonly failures?: readonly string[];
  };
}

/** A call as the fake writes it down. */
export interface NotedCall {
  readonly operation: string;
  readonly container: string;
  readonly claim: string;
  readonly object: string;
  readonly number: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * What a fake provider or driver makes on the host: a directory for every object that is reserved, a file for every use, so that
 * a leak can be seen. It keeps a journal, at whose records it can be killed.
 */
export class FakeWorld {
  readonly #pluginDir: string;
  readonly #objects: string;
  readonly #uses: string;
  readonly #notes: string;
  readonly #publish: PluginContext['publish'];
  readonly #journal: Journal;
  #armed = '';
  #countdown = 0;

  private constructor(pluginDir: string, { stateDir, publish }: PluginContext, journal: Journal) {
    this.#pluginDir = pluginDir;
    this.#objects = join(stateDir, 'objects');
    this.#uses = join(stateDir, 'uses');
    this.#notes = join(stateDir, 'notes');
    this.#publish = publish;
    this.#journal = journal;
    for (const directory of [this.#objects, this.#uses, this.#notes]) mkdirSync(directory, { recursive: true });
  }

  static async open(pluginDir: string, context: PluginContext): Promise<FakeWorld> {
    return new FakeWorld(pluginDir, context, await context.openJournal({ dir: 'fake' }));
  }

  /** Written down, then whatever the test wants of this operation. */
  async begin(
    operation: keyof Control,
    reference: providerTypes.Reference | undefined,
    call: CallContext,
    detail: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const { container = '', claim = '', object = '', number = 0 } = reference ?? {};
    const noted: NotedCall = { operation, container, claim, object, number, detail };
    appendFileSync(join(this.#pluginDir, 'calls.log'), `${JSON.stringify(noted)}\n`);
    const behaviour = this.#behaviour(operation, claim);
    if (behaviour.die === 'before') process.kill(process.pid, 'SIGKILL');
    if (behaviour.delayMs !== undefined) await sleep(behaviour.delayMs, call.signal);
    if (behaviour.hang === true) await new Promise(() => undefined);
    if (behaviour.error !== undefined) throw new CleatError(behaviour.error.class, behaviour.error.code, behaviour.error.message);
  }

  end(operation: keyof Control, reference: providerTypes.Reference | undefined): void {
    if (this.#behaviour(operation, reference?.claim ?? '').die === 'after') process.kill(process.pid, 'SIGKILL');
  }

  /** A record of its journal, around which it can be killed: "before:attach.done", as the kernel. */
  record(step: string): void {
    this.reach('before', step);
    this.#journal.write(FORMAT, Buffer.from(step));
    this.reach('after', step);
  }

  /** Why it denies; undefined: it allows. */
  get denial(): string | undefined {
    return this.#control.judge?.deny;
  }

  objectPath(object: string): string {
    return join(this.#objects, fileName(object));
  }

  putObject(object: string): void {
    mkdirSync(this.objectPath(object), { recursive: true });
  }

  dropObject(object: string): void {
    rmSync(this.objectPath(object), { recursive: true, force: true });
  }

  /** Tells the platform of an object by an event of its own: written down with the object, and marked when it has been told. */
  async note(subject: string): Promise<void> {
    const path = join(this.#notes, subject);
    if (!existsSync(path)) writeFileSync(path, 'untold');
    this.reach('after', 'note.written');
    await this.tell();
  }

  /** Publishes what is not marked: as often as it takes, and it is one event. */
  async tell(): Promise<void> {
    for (const subject of readdirSync(this.#notes)) {
      const path = join(this.#notes, subject);
      if (readFileSync(path, 'utf8') === 'told') continue;
      await this.#publish({ type: 'fake.noted', subject }, { key: subject });
      this.reach('after', 'note.published');
      writeFileSync(path, 'told');
      this.reach('after', 'note.told');
    }
  }

  putUse(reference: providerTypes.Reference): void {
    writeFileSync(this.#usePath(reference), String(reference.number));
  }

  dropUse(reference: providerTypes.Reference): void {
    rmSync(this.#usePath(reference), { force: true });
  }

  /** Drops what is not listed and does what is owed; answers what it lacks. */
  reconcile(all: ReconcileAll): provider.ReconcileResponseInput {
    const failing = new Set(this.#control.reconcile?.failures ?? []);
    const wantedObjects = new Set(all.held.map(({ reference }) => fileName(reference.object)));
    const attached = new Set(all.held.filter((held) => held.attached).map(({ reference }) => useName(reference)));
    const isFailing = (reference: providerTypes.Reference): boolean => failing.has(`${reference.container}/${reference.claim}`);
    const failed = all.owed.filter(({ reference }) => isFailing(reference));
    for (const { reference } of failed) wantedObjects.add(fileName(reference.object));
    for (const name of readdirSync(this.#uses)) if (!attached.has(name)) rmSync(join(this.#uses, name));
    for (const name of readdirSync(this.#objects)) if (!wantedObjects.has(name)) rmSync(join(this.#objects, name), { recursive: true });
    const lacks = all.held
      .filter(({ reference }) => reference.claim !== '' || reference.container === '')
      .filter(({ reference }) => !existsSync(this.objectPath(reference.object)));
    return {
      lacks: lacks.map(({ reference }) => reference),
      failures: failed.map(({ reference }) => ({ reference, reason: 'the test does not want it' })),
    };
  }

  #usePath(reference: providerTypes.Reference): string {
    return join(this.#uses, useName(reference));
  }

  #behaviour(operation: keyof Control, claim: string): Behaviour {
    const wanted = this.#control[operation] ?? {};
    return wanted.claim === undefined || wanted.claim === claim ? wanted : {};
  }

  get #control(): Control {
    return JSON.parse(readOr(join(this.#pluginDir, 'control.json'), '{}')) as Control;
  }

  reach(moment: 'before' | 'after', step: string): void {
    const path = join(this.#pluginDir, 'fault');
    const text = readOr(path, '').trim();
    const [wantedMoment, wantedStep, count] = text.split(':');
    if (wantedMoment !== moment || wantedStep !== step) return;
    if (text !== this.#armed) this.#countdown = Number(count ?? 1);
    this.#armed = text;
    this.#countdown -= 1;
    if (this.#countdown > 0) return;
    rmSync(path);
    process.kill(process.pid, 'SIGKILL');
  }
}

function fileName(object: string): string {
  return object.replaceAll('/', '+');
}

function useName({ object, container, claim }: providerTypes.Reference): string {
  return fileName(`${object}@${container}/${claim}`);
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The test has not written it.
    return otherwise;
  }
}
