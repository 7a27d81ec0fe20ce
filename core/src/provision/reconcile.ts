import type { provider } from '@cleat/schemas';

/** A request must fit in a message of 1 MB with its headers. */
const PAGE_BYTES = 600_000;

/** Everything a provider is told when it comes back. */
export interface ReconcileContent {
  readonly bootId: string;
  readonly position: number;
  readonly held: readonly provider.HeldInput[];
  readonly owed: readonly provider.OwedInput[];
}

/** Splits what a provider shall hold and is owed into requests that fit; the last one says so, and there is always one. */
export function reconcilePages(content: ReconcileContent): readonly provider.ReconcileRequestInput[] {
  const pages: { held: provider.HeldInput[]; owed: provider.OwedInput[] }[] = [{ held: [], owed: [] }];
  let bytes = 0;
  const room = (item: unknown): { held: provider.HeldInput[]; owed: provider.OwedInput[] } => {
    const size = Buffer.byteLength(JSON.stringify(item));
    if (bytes > 0 && bytes + size > PAGE_BYTES) {
      pages.push({ held: [], owed: [] });
      bytes = 0;
    }
    bytes += size;
    return pages.at(-1) ?? { held: [], owed: [] };
  };
  for (const item of content.held) room(item).held.push(item);
  for (const item of content.owed) room(item).owed.push(item);
  return pages.map((page, index) => ({
    bootId: content.bootId,
    position: content.position,
    page: index,
    last: index === pages.length - 1,
    held: page.held,
    owed: page.owed,
  }));
}

/** The owed items that a reconcile has settled: all that its failures do not name. */
export function settledBy(owed: readonly provider.OwedInput[], response: provider.ReconcileResponse): readonly provider.OwedInput[] {
  const failed = new Set(response.failures.map(({ reference }) => keyOf(reference)));
  return owed.filter(({ reference }) => !failed.has(keyOf(reference)));
}

function keyOf(reference: {
  readonly object: string;
  readonly container?: string | undefined;
  readonly claim?: string | undefined;
}): string {
  return `${reference.object}\n${reference.container ?? ''}\n${reference.claim ?? ''}`;
}
