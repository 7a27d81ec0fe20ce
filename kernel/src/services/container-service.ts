import type { ContractCall } from '@cleat/core';
import { CleatError, type claim, type container, type exec, type logdata, type view } from '@cleat/schemas';
import type { Engine } from '../engine/engine.ts';
import type { LogSpool } from '../engine/log-spool.ts';
import { type Asked, cgroupOf, pathsOf, tell } from '../engine/parts.ts';
import { runBundle } from '../engine/paths.ts';
import { type Container, hasProcess } from '../state/container.ts';

/** An answer must fit in a message of 1 MB. */
const PAGE_BYTES = 700_000;

function asked(call: ContractCall): Asked {
  return { actor: call.actor, signal: call.signal };
}

/** `container@1` over the engine. */
export class ContainerService {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  create(request: container.CreateRequest, call: ContractCall): Promise<container.CreateResponseInput> {
    return this.#engine.creation.run(request, asked(call));
  }

  async start(request: container.StartRequest, call: ContractCall): Promise<container.ChangeResponseInput> {
    return { changed: await this.#engine.starts.run(this.#id(request), asked(call)) };
  }

  async stop(request: container.StopRequest, call: ContractCall): Promise<container.ChangeResponseInput> {
    return { changed: await this.#engine.stops.stop(this.#id(request), request, asked(call)) };
  }

  async restart(request: container.RestartRequest, call: ContractCall): Promise<container.ChangeResponseInput> {
    await this.#engine.restart(this.#id(request), request, asked(call));
    return { changed: true };
  }

  async kill(request: container.KillRequest, call: ContractCall): Promise<container.ChangeResponseInput> {
    await this.#engine.stops.kill(this.#id(request), request.signal, asked(call));
    return { changed: true };
  }

  async pause(request: container.PauseRequest, call: ContractCall): Promise<container.ChangeResponseInput> {
    await this.#engine.stops.pause(this.#id(request), asked(call));
    return { changed: true };
  }

  async unpause(request: container.PauseRequest, call: ContractCall): Promise<container.ChangeResponseInput> {
    await this.#engine.stops.unpause(this.#id(request), asked(call));
    return { changed: true };
  }

  async remove(request: container.RemoveRequest, call: ContractCall): Promise<container.ChangeResponseInput> {
    await this.#engine.removals.run(this.#id(request), request, asked(call));
    return { changed: true };
  }

  async rename(request: container.RenameRequest, call: ContractCall): Promise<container.ChangeResponseInput> {
    return { changed: await this.#engine.changes.rename(this.#id(request), request.name, asked(call)) };
  }

  async update(request: container.UpdateRequest, call: ContractCall): Promise<container.UpdateResponseInput> {
    return { warnings: await this.#engine.changes.update(request, asked(call)) };
  }

  async inspect(request: container.InspectRequest): Promise<container.InfoInput> {
    return this.#info(this.#engine.parts.store.find(request.container));
  }

  /** What changed after a revision, in pages: a page ends where the next would not fit in a message. */
  async list(request: container.ListRequest): Promise<container.ListResponseInput> {
    const { store } = this.#engine.parts;
    const [heldRevision, lastId] = request.cursor === '' ? ['', ''] : request.cursor.split('/');
    const changes = store.changesSince(request.after, request.incarnation);
    const position = heldRevision === '' || heldRevision === undefined ? changes.revision : Number(heldRevision);
    const sorted = [...changes.containers]
      .sort((left, right) => (left.definition.id < right.definition.id ? -1 : 1))
      .filter(({ definition }) => definition.id > (lastId ?? ''));
    const { incarnation } = store;
    const { isFull: full, removed } = changes;
    const containers: container.InfoInput[] = [];
    let bytes = 0;
    for (const known of sorted) {
      const info = this.#info(known);
      bytes += sizeOf(info);
      if (containers.length > 0 && bytes > PAGE_BYTES) {
        const cursor = `${position}/${containers.at(-1)?.id ?? ''}`;
        return { position, incarnation, full, containers, removed, cursor };
      }
      containers.push(info);
    }
    return { position, incarnation, full, containers, removed };
  }

  async resize(request: container.ResizeRequest, call: ContractCall): Promise<object> {
    const { store, host } = this.#engine.parts;
    const current = store.find(request.container);
    const { id, name } = current.definition;
    if (!hasProcess(current.progress)) throw new CleatError('conflict', 'CONTAINER_NOT_RUNNING', `container ${name} is not running`);
    await host.runtime.resize(runBundle(pathsOf(this.#engine.parts, id), current.progress.state.run), request.rows, request.columns);
    await tell(this.#engine.parts, id, 'resized', asked(call));
    return {};
  }

  async attach(request: container.AttachRequest, call: ContractCall): Promise<container.Operations['attach']['answer']> {
    const { store, host } = this.#engine.parts;
    const current = store.find(request.container);
    const { id, spec } = current.definition;
    if (current.progress.state.status === 'paused')
      throw new CleatError('conflict', 'CONTAINER_PAUSED', `container ${id} is paused, unpause the container before attach`);
    if (current.progress.state.status === 'restarting')
      throw new CleatError('conflict', 'CONTAINER_RESTARTING', `Container ${id} is restarting, wait until the container is running`);
    const { run } = current.progress.state;
    const runs = hasProcess(current.progress);
    const { stdin, stdout, stderr, detachKeys } = request;
    const ticket = await host.streams.offerAttach({
      ...{ spec, stdout, stderr, detachKeys, container: id },
      stdin: stdin && spec.process.openStdin,
      run: runs ? run : run + 1,
      attachPath: runs ? `${runBundle(pathsOf(this.#engine.parts, id), run)}/attach` : undefined,
    });
    await tell(this.#engine.parts, id, 'attached', asked(call));
    return ticket;
  }

  async wait(request: container.WaitRequest): Promise<container.WaitResponseInput> {
    const { store, host } = this.#engine.parts;
    const current = store.find(request.container);
    const { status, exitCode, error } = current.progress.state;
    const isOver = !hasProcess(current.progress) && status !== 'restarting' && status !== 'starting';
    if (request.condition === 'not-running' && isOver) return { done: true, exitCode, error };
    if (!['not-running', 'next-exit', 'removed'].includes(request.condition))
      throw new CleatError('invalid_argument', 'WAIT_CONDITION_INVALID', `invalid condition: "${request.condition}"`);
    return { done: false, ticket: await host.streams.offerWait({ container: current.definition.id, condition: request.condition }) };
  }

  #id(request: { readonly container: string }): string {
    return this.#engine.parts.store.find(request.container).definition.id;
  }

  #info(known: Container): container.InfoInput {
    const { definition, progress, changedAt } = known;
    const { id, name, createdAt, owner, spec, client, attributes } = definition;
    const paths = pathsOf(this.#engine.parts, id);
    const claims = definition.claims.map((held) => {
      const made = progress.claims.find((provision) => provision.name === held.name);
      const phase = made?.attached === true ? 'attached' : made?.reserved === true ? 'reserved' : 'pending';
      return { claim: held, phase, status: made?.status ?? '', provider: made?.provider ?? '' };
    });
    return {
      ...{ id, name, createdAt, owner, spec, claims, client, attributes },
      state: progress.state,
      paths: {
        cgroup: cgroupOf(this.#engine.parts, known),
        hosts: paths.hosts,
        resolvConf: paths.resolvConf,
        hostname: paths.hostname,
        networkNamespace: progress.namespaces && spec.namespaces.network === 'private' ? paths.networkPin : '',
        logs: paths.logs,
        root: progress.rootMounted ? paths.root : '',
      },
      execs: progress.execs.map(({ info }) => info.id),
      position: changedAt,
    };
  }
}

/** Roughly what a container takes in an answer, without encoding it. */
function sizeOf(info: container.InfoInput): number {
  const labels = Object.entries(info.spec.labels ?? {}).reduce((sum, [key, value]) => sum + key.length + value.length + 4, 0);
  const env = (info.spec.process.env ?? []).reduce((sum, line) => sum + line.length + 2, 0);
  const args = info.spec.process.args.reduce((sum, line) => sum + line.length + 2, 0);
  const mounts = (info.spec.mounts ?? []).length * 200;
  const claims = (info.claims ?? []).reduce(
    (sum, { claim: held, status }) => sum + (held.options?.length ?? 0) + (status?.length ?? 0) + 100,
    0,
  );
  return 3000 + (info.client?.length ?? 0) + labels + env + args + mounts + claims + (info.spec.process.seccomp?.length ?? 0);
}

/** `exec@1` over the engine. */
export class ExecService {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  create(request: exec.CreateRequest, call: ContractCall): Promise<exec.CreateResponseInput> {
    return this.#engine.execs.create(request, asked(call));
  }

  start(request: exec.StartRequest, call: ContractCall): Promise<exec.StartResponseInput> {
    return this.#engine.execs.start(request, asked(call));
  }

  async inspect(request: exec.InspectRequest): Promise<exec.Operations['inspect']['answer']> {
    return this.#engine.execs.inspect(request.id);
  }

  async resize(request: exec.ResizeRequest): Promise<object> {
    await this.#engine.execs.resize(request.id, request.rows, request.columns);
    return {};
  }
}

/** `claim@1` over the engine. */
export class ClaimService {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async add(request: claim.AddRequest, call: ContractCall): Promise<claim.AddResponseInput> {
    return this.#engine.changes.addClaim(this.#id(request.container), request.claim, asked(call));
  }

  async remove(request: claim.RemoveRequest, call: ContractCall): Promise<object> {
    await this.#engine.changes.removeClaim(this.#id(request.container), request.claim, asked(call));
    return {};
  }

  async update(request: claim.UpdateRequest, call: ContractCall): Promise<claim.UpdateResponseInput> {
    return { status: await this.#engine.changes.updateClaim(this.#id(request.container), request.claim, request.options, asked(call)) };
  }

  #id(reference: string): string {
    return this.#engine.parts.store.find(reference).definition.id;
  }
}

/** `view@1` over the engine. */
export class ViewService {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async open(request: view.OpenRequest, call: ContractCall): Promise<view.OpenResponseInput> {
    return this.#engine.views.open(this.#engine.parts.store.find(request.container).definition.id, request, asked(call));
  }

  async renew(request: view.RenewRequest): Promise<object> {
    this.#engine.views.renew(request.view, request.leaseMs);
    return {};
  }

  async close(request: view.CloseRequest): Promise<object> {
    await this.#engine.views.close(request.view);
    return {};
  }
}

/** `logdata@1` over the spool of logs. */
export class LogdataService {
  readonly #logs: LogSpool;

  constructor(logs: LogSpool) {
    this.#logs = logs;
  }

  async segments(request: logdata.SegmentsRequest): Promise<logdata.SegmentsResponseInput> {
    return this.#logs.segments(request.container);
  }

  async acknowledge(request: logdata.AcknowledgeRequest): Promise<object> {
    this.#logs.acknowledge(request.container, request.number);
    return {};
  }
}
