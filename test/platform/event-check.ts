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
  const faults = [...lives].flatMap(([id, entries]) => faultsOf(entries).map((fault) => `${id.slice(0, 12)}: ${fault}`));
  t.same(faults, [], 'every container had a life that can be');
}

function faultsOf(entries: readonly event.Entry[]): readonly string[] {
  const types = entries.map(({ type }) => type);
  const runs = types.filter((type) => type === 'container.started' || type === 'container.exited');
  const isInOrder = entries.every(({ objectSequence }, index) => objectSequence === index + 1);
  const hasTurns = runs.every((type, index) => type === (index % 2 === 0 ? 'container.started' : 'container.exited'));
  const removal = types.indexOf('container.removed');
  return [
    ...(isInOrder ? [] : [`numbered ${entries.map(({ objectSequence }) => objectSequence).join(' ')}`]),
    ...(types[0] === 'container.created' ? [] : [`begins with ${types[0]}`]),
    ...(removal === -1 || removal === types.length - 1 ? [] : [`${types.slice(removal).join(' ')}: after its removal`]),
    ...(hasTurns ? [] : [`not a start, then its end: ${runs.join(' ')}`]),
  ];
}
