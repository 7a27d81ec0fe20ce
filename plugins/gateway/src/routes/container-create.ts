import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { CleatError, type container, type image, isCleatError } from '@cleat/schemas';
import { commandOf, containerFromImage, type HostFacts, type ImageDefaults } from '@cleat/sdk/container';
import { badRequest, reworded } from '../errors.ts';
import type { Scope } from '../scope.ts';
import { modernised } from '../versions/adapters.ts';
import { type ParsedContainer, parseContainer } from '../wire/container-request.ts';
import { Fields } from '../wire/fields.ts';
import { remember } from '../wire/remembered.ts';
import { findContainer } from './container-lookup.ts';
import { checkName, generatedName } from './container-name.ts';

const NAME_ATTEMPTS = 6;
const CREATE_MS = 120_000;
const NAME_TAKEN = 'CONTAINER_NAME_TAKEN';

export interface Created {
  readonly Id: string;
  readonly Warnings: readonly string[];
}

/** "busybox" means "busybox:latest", in messages too. */
function withTag(reference: string): string {
  if (reference.includes('@') || /^sha256:[0-9a-f]{64}$/.test(reference)) return reference;
  return reference.lastIndexOf(':') > reference.lastIndexOf('/') ? reference : `${reference}:latest`;
}

/** 404 in the words by which the command line decides to pull. */
export function noSuchImage(error: unknown, reference: string): unknown {
  return reworded(error, 'not_found', `No such image: ${withTag(reference)}`);
}

export async function findImage(scope: Scope, reference: string): Promise<image.Info> {
  try {
    return await scope.call('image', 'inspect', { image: reference });
  } catch (error) {
    throw noSuchImage(error, reference);
  }
}

/** POST /containers/create: from Docker's request to one call of the kernel. */
export class ContainerCreator {
  readonly facts: HostFacts;

  constructor(facts: HostFacts) {
    this.facts = { cpus: availableParallelism(), ...facts };
  }

  async create(scope: Scope, body: Fields, options: { readonly name: string; readonly platform: string }): Promise<Created> {
    const name = options.name.replace(/^\//, '');
    if (name !== '') checkName(name);
    const fields = new Fields(modernised('container.create', scope.version, body.raw), 'ContainerCreateRequest');
    const find = (other: string): Promise<container.Info> => findOther(scope, other);
    const parsed = await parseContainer(fields, { facts: this.facts, find });
    const found = await findImage(scope, parsed.image);
    checkPlatform(options.platform, found);
    const request = this.#complete(fields, parsed, { id: found.summary.id, config: found.config });
    return await this.#send(scope, request, name);
  }

  #complete(
    body: Fields,
    parsed: ParsedContainer,
    image: ImageDefaults,
  ): Omit<container.CreateRequestInput, 'name'> & { readonly warnings: readonly string[] } {
    const id = randomBytes(32).toString('hex');
    const parts = containerFromImage({ id, image, request: parsed.request, host: this.facts });
    const { entrypoint } = commandOf(parsed.request, image.config);
    return {
      id,
      spec: parts.spec,
      claims: parts.claims,
      client: remember(body, entrypoint.length),
      attributes: parts.attributes,
      warnings: [...parsed.warnings, ...parts.warnings],
    };
  }

  async #send(
    scope: Scope,
    request: Omit<container.CreateRequestInput, 'name'> & { readonly warnings: readonly string[] },
    name: string,
  ): Promise<Created> {
    const { warnings, ...rest } = request;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await scope.call('container', 'create', { ...rest, name: name || generatedName(attempt) }, { timeoutMs: CREATE_MS });
        return { Id: answer.id, Warnings: [...warnings, ...answer.warnings] };
      } catch (error) {
        const isTaken = isCleatError(error) && error.code === NAME_TAKEN;
        if (name !== '') throw notOfImage(await this.nameConflict(scope, error, name));
        if (!isTaken || attempt >= NAME_ATTEMPTS) throw notOfImage(error);
      }
    }
  }

  /** The text that clients look for when a name is taken. */
  async nameConflict(scope: Scope, error: unknown, name: string): Promise<unknown> {
    if (!isCleatError(error) || error.code !== NAME_TAKEN) return error;
    let owner = error.details['container'] ?? '';
    try {
      owner ||= (await scope.call('container', 'inspect', { container: name })).id;
    } catch {
      // Removed in between: the answer is about the moment of the request.
    }
    return new CleatError(
      'already_exists',
      error.code,
      `Conflict. The container name "/${name}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
      { cause: error },
    );
  }
}

/** Docker's client takes a 404 of a create for a missing image and pulls it; the image was there, so what is missing is something else. */
function notOfImage(error: unknown): unknown {
  if (!isCleatError(error) || error.class !== 'not_found') return error;
  return new CleatError('invalid_argument', error.code, error.message, { hint: error.hint, plugin: error.plugin, cause: error });
}

/** Another container that a request names. Not 404: the command line takes that for a missing image, and pulls. */
async function findOther(scope: Scope, name: string): Promise<container.Info> {
  try {
    return await findContainer(scope, name);
  } catch (error) {
    if (!isCleatError(error) || error.class !== 'not_found') throw error;
    throw new CleatError('invalid_argument', error.code, error.message, { cause: error });
  }
}

/** An image is of one platform; another one is not there. */
function checkPlatform(platform: string, found: image.Info): void {
  if (platform === '') return;
  const [os = '', architecture] = platform.startsWith('{') ? platformOf(platform) : platform.split('/');
  const isOther = os !== found.os || (architecture !== undefined && architecture !== found.architecture);
  if (isOther) {
    const is = `${found.os}/${found.architecture}`;
    throw new CleatError(
      'not_found',
      'IMAGE_PLATFORM',
      `image with reference ${found.summary.repoTags[0] ?? found.summary.id} was found but does not match the specified platform: wanted ${platform}, actual: ${is}`,
    );
  }
}

function platformOf(text: string): readonly string[] {
  try {
    const fields = new Fields(JSON.parse(text), 'platform');
    return [fields.string('os'), fields.string('architecture')];
  } catch (error) {
    throw isCleatError(error) ? error : badRequest(`invalid platform: ${text}`);
  }
}
