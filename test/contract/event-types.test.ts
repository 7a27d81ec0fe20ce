import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SchemaBook } from '@cleat/schemas';
import { eventTypes } from '@cleat/schemas/event-types';
import t from 'tap';

const repository = resolve(import.meta.dirname, '../../..');
const types = eventTypes();

function sourcesBelow(folder: string): readonly string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(repository, folder, path), 'utf8'));
}

/** Types that manifests of the plugins in this repository declare: plugin/type. */
function declared(): readonly string[] {
  return readdirSync(join(repository, 'plugins')).flatMap((folder) => {
    const path = join(repository, 'plugins', folder, 'manifest.json');
    if (!existsSync(path)) return [];
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const { name, events } = manifest as { name: string; events?: { publishes?: readonly string[] } };
    return (events?.publishes ?? []).map((type) => `${name}/${type}`);
  });
}

/** Whether a statement that drafts an event, or chooses its type, holds the past. */
function drafts(sources: string, past: string): boolean {
  return new RegExp(`(?:Event|tell|drafted|#write|return)\\b[^;]*'${past}'`).test(sources);
}

// What the kernel publishes beyond the list does not compile: its drafts take the types of the list.
t.test('every event type of the kernel is published somewhere in the kernel', async (t) => {
  const sources = sourcesBelow('kernel/src').join('\n');
  const ours = types.filter(({ by }) => by === 'kernel');
  t.ok(ours.length > 20, `${ours.length} types`);
  t.same(
    ours.map(({ type }) => type.slice(type.indexOf('.') + 1)).filter((past) => !drafts(sources, past)),
    [],
  );
  t.notOk(drafts(sources, 'never-published'));
});

t.test('the event types of each plugin are those that its manifest declares', async (t) => {
  const listed = types.filter(({ by }) => by !== 'kernel').map(({ by, type }) => `${by}/${type}`);
  t.ok(listed.length > 10, `${listed.length} types`);
  t.same([...listed].sort(), [...declared()].sort());
});

t.test('the data of every event type is a record of the contract event, and a type is listed once', async (t) => {
  const book = new SchemaBook();
  for (const { type, record } of types) {
    t.doesNotThrow(() => book.record('event', `cleat.event.v1.${record}`), type);
  }
  t.equal(new Set(types.map(({ type }) => type)).size, types.length);
});
