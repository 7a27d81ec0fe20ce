import type { event } from '@cleat/schemas';
import type { Test } from 'tap';

/** No event lost, doubled or out of order; of each container a life that can be. */
export function checkEvents(t: Test, seen: readonly event.Entry[]): void {
  t.ok(seen.length > 10, `${seen.length} events`);
  const first = seen[0]?.sequence ?? 0;
  t.same(
    seen.map(({ sequence }) => sequence),
    seen.map((_, index) => first + index),
    'numbered without a hole',
  );
  const lives = new Map<string, event.Entry[]>();
  for (const entry of seen.filter(({ type }) => type.startsWith('container.')))
    lives.set(entry.subject, [...(lives.get(entry.subject) ?? []), entry]);
  t.ok(lives.size > 0, `${lives.size} containers`);
  for (const [id, entries] of lives) {
    const short = id.slice(0, 12);
    t.same(
      entries.map(({ objectSequence }) => objectSequence),
      entries.map((_, index) => index + 1),
      `in order for ${short}`,
    );
    t.equal(entries[0]?.type, 'container.created');
    const removals = entries.filter(({ type }) => type === 'container.removed').length;
    t.ok(removals <= 1, `${short} was removed once at most`);
    if (removals === 1) t.equal(entries.at(-1)?.type, 'container.removed', 'and nothing came after it');
    const runs = entries
      .filter(({ type }) => type === 'container.started' || type === 'container.exited')
      .map(({ type }) => type);
    t.ok(
      runs.every((type, index) => type === (index % 2 === 0 ? 'container.started' : 'container.exited')),
      `a start, then its end: ${runs.join(' ')}`,
    );
  }
}
