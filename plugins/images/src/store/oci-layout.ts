import { CleatError, isCleatError } from '@cleat/schemas';
import { type ArchivedImage, type ArchiveFiles, invalidArchive } from './archive-files.ts';
import type { StagedBlob } from './blob-store.ts';
import { type Digest, digestHex, isDigest } from './digest.ts';
import { asArray, asObject, asText, asTextMap, JsonShapeError, optionalObject } from './json.ts';
import { hostPlatform } from './platform.ts';
import { type ImageReference, parseTag } from './reference.ts';

const INDEX_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
const MANIFEST_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]);
const CONFIG_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);
/** Where containerd and Docker write a full name, and where others do. */
const NAME_ANNOTATIONS = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'];
/** A manifest that describes another one: an attestation. */
const ATTACHED_ANNOTATION = 'vnd.docker.reference.type';
const DEPTH_LIMIT = 4;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly annotations: ReadonlyMap<string, string>;
  readonly platform: { readonly os: string; readonly architecture: string } | undefined;
}

/** Images of an OCI layout, those for this host where there is a choice. Errors: IMAGE_ARCHIVE_INVALID. */
export async function readOciLayout(files: ArchiveFiles): Promise<ArchivedImage[]> {
  if (files.get('index.json') === undefined) {
    throw invalidArchive(
      files.get('repositories') === undefined ? 'it has neither manifest.json nor index.json' : 'its format is older than Docker 1.10',
    );
  }
  try {
    return await new LayoutReader(files).read(await files.text('index.json'), 'index.json');
  } catch (error) {
    if (!(error instanceof JsonShapeError || error instanceof SyntaxError)) throw error;
    throw invalidArchive(error.message);
  }
}

class LayoutReader {
  readonly #files: ArchiveFiles;

  constructor(files: ArchiveFiles) {
    this.#files = files;
  }

  /** The images of the outermost index, one name after another for one manifest. */
  async read(text: string, what: string): Promise<ArchivedImage[]> {
    const byDigest = new Map<Digest, ArchivedImage>();
    for (const descriptor of readIndex(text, what)) {
      const image = await this.#resolve(descriptor, 0);
      if (image === undefined) continue;
      const present = byDigest.get(descriptor.digest);
      const names = [...(present?.names ?? []), ...namesOf(descriptor)];
      byDigest.set(descriptor.digest, { ...image, names });
    }
    if (byDigest.size === 0) throw invalidArchive(`it has no image for ${hostPlatform().os}/${hostPlatform().architecture}`);
    return [...byDigest.values()];
  }

  async #resolve(descriptor: Descriptor, depth: number): Promise<ArchivedImage | undefined> {
    if (depth > DEPTH_LIMIT) throw invalidArchive('its indexes are nested too deep');
    if (MANIFEST_TYPES.has(descriptor.mediaType)) return this.#manifest(descriptor);
    if (!INDEX_TYPES.has(descriptor.mediaType)) return undefined;
    const inner = readIndex(await this.#text(descriptor.digest), descriptor.digest).filter(isForHost);
    for (const candidate of inner) {
      const image = await this.#resolve(candidate, depth + 1);
      if (image !== undefined) return image;
    }
    return undefined;
  }

  async #manifest(descriptor: Descriptor): Promise<ArchivedImage | undefined> {
    if (descriptor.annotations.has(ATTACHED_ANNOTATION)) return undefined;
    const manifest = asObject(JSON.parse(await this.#text(descriptor.digest)), descriptor.digest);
    const config = readDescriptor(manifest['config'], `config of ${descriptor.digest}`);
    // Charts, signatures and the like are stored as images and are none.
    if (!CONFIG_TYPES.has(config.mediaType)) return undefined;
    const layers = asArray(manifest['layers'], 'layers').map((value, i) => this.#blob(readDescriptor(value, `layers[${i}]`).digest));
    return { configText: await this.#text(config.digest), layers, names: [] };
  }

  #blob(digest: Digest): StagedBlob {
    const file = this.#files.require(`blobs/sha256/${digestHex(digest)}`);
    if (file.digest === digest) return file;
    throw new CleatError(
      'invalid_argument',
      'IMAGE_BLOB_DIGEST_MISMATCH',
      `the archive holds as ${digest} what has the digest ${file.digest}`,
    );
  }

  async #text(digest: Digest): Promise<string> {
    this.#blob(digest);
    return this.#files.text(`blobs/sha256/${digestHex(digest)}`);
  }
}

function readIndex(text: string, what: string): Descriptor[] {
  const index = asObject(JSON.parse(text), what);
  return asArray(index['manifests'], `manifests of ${what}`).map((value, i) => readDescriptor(value, `manifests[${i}] of ${what}`));
}

function readDescriptor(value: unknown, what: string): Descriptor {
  const descriptor = asObject(value, what);
  const digest = asText(descriptor['digest'], `digest of ${what}`);
  if (!isDigest(digest)) throw new JsonShapeError(`digest of ${what} is no sha256 digest`);
  const platform = descriptor['platform'] === undefined ? undefined : optionalObject(descriptor['platform'], `platform of ${what}`);
  return {
    mediaType: asText(descriptor['mediaType'], `mediaType of ${what}`),
    digest,
    annotations: asTextMap(descriptor['annotations'], `annotations of ${what}`),
    platform: platform && { os: asText(platform['os'], 'os'), architecture: asText(platform['architecture'], 'architecture') },
  };
}

function isForHost(descriptor: Descriptor): boolean {
  if (descriptor.platform === undefined) return true;
  const host = hostPlatform();
  return descriptor.platform.os === host.os && descriptor.platform.architecture === host.architecture;
}

/** A bare tag in an annotation is no name of an image. */
function namesOf(descriptor: Descriptor): ImageReference[] {
  for (const key of NAME_ANNOTATIONS) {
    const text = descriptor.annotations.get(key);
    if (text === undefined || !/[:/]/.test(text)) continue;
    try {
      return [parseTag(text)];
    } catch (error) {
      if (!isCleatError(error)) throw error;
    }
  }
  return [];
}
