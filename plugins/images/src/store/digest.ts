import { createHash, type Hash } from 'node:crypto';
import { CleatError } from '@cleat/schemas';

/** A content address: the SHA-256 of the bytes it names. */
export type Digest = `sha256:${string}`;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** The text as a digest. Other algorithms are refused: nothing in the store is named by them. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new CleatError('invalid_argument', 'IMAGE_DIGEST_INVALID', `${JSON.stringify(text)} is not a sha256 digest`, {
    hint: 'A digest is "sha256:" and 64 lower-case hexadecimal digits.',
  });
}

/** The 64 hexadecimal digits, safe as a file name. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

export function digestOf(data: Uint8Array | string): Digest {
  return finishDigest(createHash('sha256').update(data));
}

export function finishDigest(hash: Hash): Digest {
  return `sha256:${hash.digest('hex')}`;
}

/** Names of layers with all that lies below them: the first is its diff id, each further one hashes the chain so far with its own diff id. */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chains: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chains.at(-1);
    chains.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chains;
}
