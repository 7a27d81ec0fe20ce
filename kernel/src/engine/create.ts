import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Deadline, pendingProvision } from '@cleat/core';
import { wallClockNs as now } from '@cleat/core/deadlines';
import { removeTree } from '@cleat/core/files';
import { CleatError, type container, type containerTypes, toCleatError } from '@cleat/schemas';
import { initialProgress } from '../state/container.ts';
import { containerEvent } from '../state/event-draft.ts';
import { NameIndex } from '../state/names.ts';
import { CLIENT_BYTES, CONTAINER_BYTES, LABEL_BYTES, RELEASE_MS, RESERVE_MS } from './limits.ts';
import { joinedIds } from './namespaces.ts';
import { type Asked, type EngineParts, factsOf, pathsOf } from './parts.ts';

const CLAIM_NAME = /^[a-z0-9][a-z0-9._-]*$/;

/** Makes a container: checked whole before anything is done, undone whole when a provider refuses. */
export class CreateContainer {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  async run(request: container.CreateRequest, asked: Asked): Promise<container.CreateResponseInput> {
    const { store, queue } = this.#parts;
    NameIndex.checkId(request.id);
    const known = store.containers.get(request.id);
    if (known !== undefined) return this.#repeated(known.definition.operation, request.id, asked);
    const warnings = [...this.#checkSpec(request)];
    const claims = await this.#checkClaims(request, warnings);
    store.names.take(request.name, request.id);
    try {
      const reserved = await queue.run(
        request.id,
        (signal) => this.#create(request, claims, { ...asked, signal }),
        asked.signal === undefined ? {} : { signal: asked.signal },
      );
      return { id: request.id, warnings: [...warnings, ...reserved], changed: true };
    } catch (error) {
      if (!store.containers.has(request.id)) store.names.free(request.name, request.id);
      throw error;
    }
  }

  /** Releases what a create that cannot go on has reserved, and forgets it; never throws. */
  async undo(id: string, asked: Asked): Promise<void> {
    const { store, claims } = this.#parts;
    await claims.release(id, true, { deadline: Deadline.after(RELEASE_MS), actor: asked.actor });
    const paths = pathsOf(this.#parts, id);
    store.drop(id, 'create.undone');
    await removeTree(paths.run);
    await removeTree(paths.state);
  }

  #repeated(operation: string, id: string, asked: Asked): container.CreateResponseInput {
    if (operation !== '' && operation === asked.actor.operation) return { id, changed: false };
    throw new CleatError('already_exists', 'CONTAINER_EXISTS', `a container with the id ${id} exists`);
  }

  async #create(request: container.CreateRequest, claims: readonly containerTypes.Claim[], asked: Asked): Promise<readonly string[]> {
    const { store, host, claims: calls } = this.#parts;
    const { id, name, spec, client, attributes } = request;
    const paths = pathsOf(this.#parts, id);
    const definition = {
      ...{ id, name, spec, client, attributes, claims },
      createdAt: now(),
      owner: asked.actor.caller ?? '',
      principal: asked.actor.principal ?? '',
      operation: asked.actor.operation ?? '',
    };
    const provisions = claims.map((claim) => pendingProvision(claim.name, join(paths.claims, claim.name)));
    store.define('create.intent', definition, initialProgress(host.bootId, provisions));
    try {
      // Mapped users pass through these; what is secret is below.
      for (const open of [paths.claims, paths.state]) mkdirSync(open, { recursive: true, mode: 0o711 });
      for (const { directory } of provisions) mkdirSync(directory, { recursive: true, mode: 0o700 });
      mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
      const warnings = await calls.reserve(id, { deadline: Deadline.after(RESERVE_MS), actor: asked.actor, signal: asked.signal });
      asked.signal?.throwIfAborted();
      const made = store.get(id);
      store.step(id, 'created', { ...made.progress, open: '' }, [containerEvent(factsOf(made, asked), 'created')]);
      await store.sync();
      return warnings;
    } catch (error) {
      await this.undo(id, asked);
      throw toCleatError(error, 'CREATE_FAILED');
    }
  }

  #checkSpec(request: container.CreateRequest): readonly string[] {
    const { spec } = request;
    if (Buffer.byteLength(request.client) > CLIENT_BYTES)
      throw new CleatError('invalid_argument', 'CLIENT_DATA', 'client data is over 64 KB');
    const labels = Buffer.byteLength(JSON.stringify(spec.labels)) + Buffer.byteLength(JSON.stringify(request.attributes));
    if (labels > LABEL_BYTES) throw new CleatError('invalid_argument', 'LABELS', 'labels are over 256 KB');
    if (Buffer.byteLength(JSON.stringify(request)) > CONTAINER_BYTES)
      throw new CleatError('invalid_argument', 'CONTAINER_SIZE', 'a container may not be over 768 KB');
    this.#checkJoined(spec.namespaces);
    return this.#parts.host.runtime.checkSpec(spec);
  }

  /** Claims and namespaces that refer to another container do so by its id, and it must exist. */
  #checkJoined(namespaces: containerTypes.Namespaces): void {
    for (const id of joinedIds(namespaces)) this.#parts.store.get(id);
    if (namespaces.user === 'private' && namespaces.idMapping.uids.length === 0) {
      throw new CleatError('invalid_argument', 'ID_MAPPING_MISSING', 'a private user namespace needs an id mapping');
    }
  }

  async #checkClaims(request: container.CreateRequest, warnings: string[]): Promise<readonly containerTypes.Claim[]> {
    const { providers } = this.#parts.host;
    const names = new Set<string>();
    const kept: containerTypes.Claim[] = [];
    for (const claim of request.claims) {
      if (!CLAIM_NAME.test(claim.name) || names.has(claim.name))
        throw new CleatError('invalid_argument', 'CLAIM_NAME', `"${claim.name}" is no name for a claim, or is used twice`);
      names.add(claim.name);
      const entry = providers.find(claim.kind);
      if (entry === undefined) {
        if (!claim.fromImage)
          throw new CleatError('invalid_argument', 'KIND_UNKNOWN', `no plugin provides claims of the kind ${claim.kind}`, {
            hint: 'Install one (cleat plugin install) or leave the claim out.',
          });
        warnings.push(`the image asks for ${claim.kind}, which no plugin provides`);
        continue;
      }
      await providers.checkOptions(entry, claim.options);
      kept.push(claim);
    }
    if (!kept.some(({ kind }) => kind === 'root') && request.spec.rootfs === '') {
      throw new CleatError(
        'invalid_argument',
        'ROOT_MISSING',
        'a container needs a claim of the kind root, or a root file system directory',
      );
    }
    return kept;
  }
}
