import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compareVersions } from '../version.ts';
import type { Release } from './compatibility.ts';
import { incompatibilities, suddenRemovals } from './compatibility.ts';
import type { ContractFile, Protocol } from './protocol.ts';

/**
 * The released versions of every contract, in `released/<contract>/<version>.json`, their golden payloads beside them in
 * `golden/`, and the list of those that may never change again. A version that is not frozen is the next one to come:
 * it is written anew whenever its contract changes.
 */
export class ReleaseBook {
  readonly #folder: string;
  /** path below the package -> SHA-256 */
  readonly #frozen: ReadonlyMap<string, string>;

  constructor(packageFolder: string) {
    this.#folder = packageFolder;
    const path = join(packageFolder, 'released', 'frozen.json');
    const frozen = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, string>>) : {};
    this.#frozen = new Map(Object.entries(frozen));
  }

  contracts(): readonly string[] {
    return readdirSync(join(this.#folder, 'released'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  }

  /** Versions of a contract that are in the folder, lowest first. */
  versions(contract: string): readonly string[] {
    const folder = join(this.#folder, 'released', contract);
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return names
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -5))
      .sort(compareVersions);
  }

  isFrozen(contract: string, version: string): boolean {
    return this.#frozen.has(releasedPath(contract, version));
  }

  protocol(contract: string, version: string): Protocol {
    return JSON.parse(readFileSync(join(this.#folder, releasedPath(contract, version)), 'utf8')) as Protocol;
  }

  /**
   * The version that a contract as it stands now is: the newest frozen one of its major when nothing but docs differs from
   * it, else the one after that.
   */
  headVersion({ contract, protocol }: ContractFile): string {
    const major = /\.v(\d+)$/.exec(protocol.namespace)?.[1];
    if (major === undefined) throw new Error(`${contract}: the namespace ${protocol.namespace} does not end in .v1 or the like`);
    const frozen = this.versions(contract).filter((version) => version.startsWith(`${major}.`) && this.isFrozen(contract, version));
    const last = frozen.at(-1);
    if (last === undefined) return `${major}.0`;
    const isSame = withoutDocs(this.protocol(contract, last)) === withoutDocs(protocol);
    return isSame ? last : `${major}.${Number(last.split('.')[1]) + 1}`;
  }

  /** Writes a file of a version, unless it is frozen. */
  write(path: string, text: string): void {
    if (this.#frozen.has(path)) return;
    mkdirSync(dirname(join(this.#folder, path)), { recursive: true });
    writeFileSync(join(this.#folder, path), text);
  }

  /** Everything that is wrong: frozen files that changed, files nobody can account for, versions that do not fit together. */
  faults(heads: readonly ContractFile[]): readonly string[] {
    const changed = [...this.#frozen].filter(([path, hash]) => this.#hash(path) !== hash);
    return [
      ...changed.map(([path]) => `${path} is released and may not change; a change of its contract is a new version`),
      ...heads.flatMap((head) => this.#contractFaults(head)),
    ];
  }

  /** Lists every file of every version as released. Returns the paths that were added. */
  freeze(): readonly string[] {
    const paths = this.contracts().flatMap((contract) =>
      this.versions(contract).flatMap((version) => [releasedPath(contract, version), goldenPath(contract, version)]),
    );
    const added = paths.filter((path) => !this.#frozen.has(path));
    const all = new Map([...this.#frozen, ...added.map((path) => [path, this.#hash(path)] as const)]);
    const text = JSON.stringify(Object.fromEntries([...all].sort()), null, 1);
    writeFileSync(join(this.#folder, 'released', 'frozen.json'), `${text}\n`);
    return added;
  }

  #contractFaults(head: ContractFile): readonly string[] {
    const { contract } = head;
    const version = this.headVersion(head);
    const versions = this.versions(contract);
    const strays = versions.filter((known) => known !== version && !this.isFrozen(contract, known));
    const releases: Release[] = versions
      .filter((known) => known !== version)
      .map((known) => ({ id: `${contract}@${known}`, protocol: this.protocol(contract, known) }));
    releases.push({ id: `${contract}@${version}`, protocol: head.protocol });
    releases.sort((left, right) => compareVersions(versionIn(left), versionIn(right)));
    return [
      ...strays.map((known) => `${releasedPath(contract, known)} is neither released nor what the contract is now`),
      ...pairsOfMajor(releases).flatMap(([older, newer, isNext]) => [
        ...incompatibilities(older, newer),
        ...(isNext ? suddenRemovals(older, newer) : []),
      ]),
    ];
  }

  #hash(path: string): string {
    const full = join(this.#folder, path);
    return existsSync(full) ? createHash('sha256').update(readFileSync(full)).digest('hex') : '';
  }
}

function versionIn({ id }: Release): string {
  return id.slice(id.indexOf('@') + 1);
}

/** Every two versions of one major, the older one first, and whether nothing lies between them. */
function pairsOfMajor(releases: readonly Release[]): readonly (readonly [Release, Release, boolean])[] {
  const major = ({ id }: Release): string => id.slice(0, id.indexOf('.'));
  return releases.flatMap((older, index) =>
    releases
      .slice(index + 1)
      .filter((newer) => major(older) === major(newer))
      .map((newer, distance) => [older, newer, distance === 0] as const),
  );
}

export function releasedPath(contract: string, version: string): string {
  return `released/${contract}/${version}.json`;
}

export function goldenPath(contract: string, version: string): string {
  return `golden/${contract}/${version}.json`;
}

function withoutDocs(protocol: Protocol): string {
  return JSON.stringify(protocol, (key, value: unknown) => (key === 'doc' ? undefined : value));
}
