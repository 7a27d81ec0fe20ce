import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Deadline, pendingProvision } from '@cleat/core';
import { removeTree } from '@cleat/core/files';
import { partsOf } from '@cleat/core/provision';
import { writeHostFiles } from '@cleat/runtime';
import { CleatError, type claim, type container, type containerTypes } from '@cleat/schemas';
import { type Container, hasProcess } from '../state/container.ts';
import { containerEvent, containerRenamed } from '../state/event-draft.ts';
import { ATTACH_MS, CLIENT_BYTES, DETACH_MS, RELEASE_MS, UPDATE_MS } from './limits.ts';
import { type Asked, type EngineParts, factsOf, pathsOf } from './parts.ts';
import { runBundle } from './paths.ts';
import { mergedOf } from './start.ts';

/** Parts of a contribution that a running container can still take. */
const LIVE_PARTS: readonly string[] = ['hosts', 'dns'];

/** Changes of a container that exists: name, limits, policy, claims. */
export class ChangeContainer {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  async rename(id: string, name: string, asked: Asked): Promise<boolean> {
    const { store, queue, claims } = this.#parts;
    return queue.run(id, async (signal) => {
      const current = store.get(id);
      const oldName = current.definition.name;
      if (oldName === name)
        throw new CleatError('invalid_argument', 'CONTAINER_NAME_SAME', 'Renaming a container with the same name as its current name');
      store.names.take(name, id);
      store.define('renamed', { ...current.definition, name }, current.progress, [
        containerRenamed(factsOf({ ...current, definition: { ...current.definition, name } }, asked), oldName),
      ]);
      store.names.free(oldName, id);
      await claims.update(id, { containerName: name }, { deadline: Deadline.after(UPDATE_MS), actor: asked.actor, signal });
      await this.#refreshFiles(id);
      await store.sync();
      return true;
    });
  }

  async update(request: container.UpdateRequest, asked: Asked): Promise<readonly string[]> {
    const { store, queue, host } = this.#parts;
    const { id } = store.find(request.container).definition;
    return queue.run(id, async () => {
      const current = store.get(id);
      const { definition } = current;
      const { resources, restart, client, rlimits } = request;
      if (client !== null && Buffer.byteLength(client) > CLIENT_BYTES)
        throw new CleatError('invalid_argument', 'CLIENT_DATA', 'client data is over 64 KB');
      if (restart !== null && restart.name !== 'no' && definition.spec.autoRemove) {
        throw new CleatError(
          'invalid_argument',
          'RESTART_AUTOREMOVE',
          'Restart policy cannot be updated because AutoRemove is enabled for the container',
        );
      }
      const spec: containerTypes.Spec = {
        ...definition.spec,
        resources: resources ?? definition.spec.resources,
        restart: restart ?? definition.spec.restart,
        process: { ...definition.spec.process, rlimits: rlimits ?? definition.spec.process.rlimits },
      };
      const warnings = host.runtime.checkSpec(spec);
      const live =
        resources !== null && hasProcess(current.progress)
          ? await host.runtime.update(
              { id, bundle: runBundle(pathsOf(this.#parts, id), current.progress.state.run), runtime: spec.runtime },
              spec.resources,
            )
          : [];
      const { progress } = store.get(id);
      store.define('updated', { ...definition, spec, client: client ?? definition.client }, progress, [
        containerEvent(factsOf(current, asked), 'updated'),
      ]);
      await store.sync();
      return [...warnings, ...live];
    });
  }

  async addClaim(id: string, added: containerTypes.Claim, asked: Asked): Promise<claim.AddResponseInput> {
    const { store, queue, host, claims, uses } = this.#parts;
    const entry = host.providers.find(added.kind);
    if (entry === undefined)
      throw new CleatError('invalid_argument', 'KIND_UNKNOWN', `no plugin provides claims of the kind ${added.kind}`);
    await host.providers.checkOptions(entry, added.options);
    return queue.run(id, async (signal) => {
      const current = store.get(id);
      if (current.definition.claims.some(({ name }) => name === added.name))
        throw new CleatError('already_exists', 'CLAIM_EXISTS', `container ${current.definition.name} has a claim ${added.name}`);
      const directory = join(pathsOf(this.#parts, id).claims, added.name);
      const provision = pendingProvision(added.name, directory);
      store.define(
        'claim.add.intent',
        { ...current.definition, claims: [...current.definition.claims, added] },
        { ...current.progress, open: `claim.add:${added.name}`, claims: [...current.progress.claims, provision] },
      );
      const only = ({ name }: containerTypes.Claim): boolean => name === added.name;
      try {
        mkdirSync(pathsOf(this.#parts, id).claims, { recursive: true, mode: 0o711 });
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        const warnings = await claims.reserve(id, { deadline: Deadline.after(ATTACH_MS), actor: asked.actor, signal }, only);
        if (hasProcess(store.get(id).progress)) {
          await uses.open(id, { deadline: Deadline.after(ATTACH_MS), actor: asked.actor, signal });
          this.#checkLive(id, added.name);
          await this.#refreshFiles(id);
        }
        const done = store.get(id);
        store.step(id, 'claim.add.done', { ...done.progress, open: '' });
        await store.sync();
        const { status } = done.progress.claims.find(({ name }) => name === added.name) ?? provision;
        return { status, warnings };
      } catch (error) {
        await this.dropClaim(id, added.name, asked);
        throw error;
      }
    });
  }

  async removeClaim(id: string, name: string, asked: Asked): Promise<void> {
    const { store, queue } = this.#parts;
    await queue.run(id, async () => {
      const current = store.get(id);
      const known = current.definition.claims.find((held) => held.name === name);
      if (known === undefined)
        throw new CleatError('not_found', 'CLAIM_NOT_FOUND', `container ${current.definition.name} has no claim ${name}`);
      const gives = current.progress.claims.find((held) => held.name === name)?.contribution ?? undefined;
      if (hasProcess(current.progress) && gives !== undefined && partsOf(gives).some((part) => !LIVE_PARTS.includes(part))) {
        throw new CleatError('conflict', 'CLAIM_IN_USE', `the claim ${name} is part of the running container ${current.definition.name}`);
      }
      store.step(id, 'claim.remove.intent', { ...current.progress, open: `claim.remove:${name}` });
      await this.dropClaim(id, name, asked);
    });
  }

  async updateClaim(id: string, name: string, options: string, asked: Asked): Promise<string> {
    const { store, queue, claims, host } = this.#parts;
    return queue.run(id, async (signal) => {
      const current = store.get(id);
      const known = current.definition.claims.find((held) => held.name === name);
      const entry = known === undefined ? undefined : host.providers.find(known.kind);
      if (known === undefined || entry === undefined)
        throw new CleatError('not_found', 'CLAIM_NOT_FOUND', `container ${current.definition.name} has no claim ${name}`);
      await host.providers.checkOptions(entry, options);
      await claims.update(
        id,
        { options },
        { deadline: Deadline.after(UPDATE_MS), actor: asked.actor, signal },
        (held) => held.name === name,
      );
      const updated = store.get(id);
      const list = updated.definition.claims.map((held) => (held.name === name ? { ...held, options } : held));
      store.define('claim.updated', { ...updated.definition, claims: list }, updated.progress);
      await this.#refreshFiles(id);
      await store.sync();
      return updated.progress.claims.find((held) => held.name === name)?.status ?? '';
    });
  }

  /** Detaches, releases and forgets one claim; never throws. Also the way back of an add, and after a crash. */
  async dropClaim(id: string, name: string, asked: Asked): Promise<void> {
    const { store, claims } = this.#parts;
    const only = (held: containerTypes.Claim): boolean => held.name === name;
    await claims.detach(id, { deadline: Deadline.after(DETACH_MS), actor: asked.actor }, only);
    await claims.release(id, true, { deadline: Deadline.after(RELEASE_MS), actor: asked.actor }, only);
    const current = store.get(id);
    const directory = current.progress.claims.find((held) => held.name === name)?.directory;
    if (directory !== undefined && directory !== '') await removeTree(directory);
    store.define(
      'claim.remove.done',
      { ...current.definition, claims: current.definition.claims.filter((held) => !only(held)) },
      { ...current.progress, open: '', claims: current.progress.claims.filter((held) => held.name !== name) },
    );
    await this.#refreshFiles(id);
    await store.sync();
  }

  #checkLive(id: string, name: string): void {
    const contribution = this.#parts.store.get(id).progress.claims.find((held) => held.name === name)?.contribution ?? undefined;
    const beyond = contribution === undefined ? undefined : partsOf(contribution).find((part) => !LIVE_PARTS.includes(part));
    if (beyond !== undefined)
      throw new CleatError('conflict', 'CLAIM_NEEDS_START', `the claim ${name} gives ${beyond}, which a running container cannot take`, {
        hint: 'Stop the container first.',
      });
  }

  /** hosts and resolv.conf of a running container follow its claims. */
  async #refreshFiles(id: string): Promise<void> {
    const current: Container = this.#parts.store.get(id);
    if (!hasProcess(current.progress)) return;
    await writeHostFiles(pathsOf(this.#parts, id), current.definition.spec, mergedOf(current));
  }
}
