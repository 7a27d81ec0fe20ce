import { open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, type PluginDefinition, readManifest } from '@cleat/sdk';

const manifest = readManifest(new URL('../../manifest.json', import.meta.url));

/** The sequence of the last line that is whole, 0 without one. A line that was cut off by a crash is taken away. */
async function positionIn(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
  const last: unknown = whole === '' ? {} : JSON.parse(whole.slice(0, -1).split('\n').at(-1) ?? '{}');
  return typeof last === 'object' && last !== null && 'sequence' in last ? Number(last.sequence) : 0;
}

/** Numbers of nanoseconds do not fit JSON's. */
function line(value: object): string {
  return `${JSON.stringify(value, (_key, field: unknown) => (typeof field === 'bigint' ? String(field) : field))}\n`;
}

export const plugin: PluginDefinition = definePlugin({
  manifest,
  setup: ({ stateDir, consume, tasks, log }) => {
    const path = join(stateDir, 'events.jsonl');
    tasks.spawn('reading events', async () => {
      // The position is kept with what it is the position of: nothing is lost, and nothing is written twice.
      const after = await positionIn(path);
      const file = await open(path, 'a');
      try {
        for await (const item of consume({ type: 'container.*', after })) {
          if (item.type === 'gap') {
            log.warn('events are gone before they were read', { missed: item.missed });
            continue;
          }
          const { sequence, type, subject, time, data } = item.event;
          await file.write(line({ sequence, type, subject, time, data }));
          item.acknowledge();
        }
      } finally {
        await file.close();
      }
    });
    return {};
  },
});
