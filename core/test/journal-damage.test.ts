import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCleatError } from '@cleat/schemas';
import t from 'tap';
import { Journal, type JournalRecord } from '../src/journal/index.ts';
import { memoryDirectory, OTHER_SCHEMA, openJournal, SCHEMA, temporaryDirectory, texts } from './journal-fixture.ts';

/** Numbers that are the same in every run, so that a failure can be looked into. */
function pseudoRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Sample {
  readonly bytes: Buffer;
  readonly name: string;
  readonly texts: readonly string[];
  /** The end of each record, in order. */
  readonly ends: readonly number[];
  /** Where the snapshot ends. */
  readonly snapshotEnd: number;
  /** Records before this offset had been synced when a later write was made. */
  readonly syncedEnd: number;
}

/** A segment with a snapshot of 5 items, 60 records in batches that are synced, and 10 that are not. */
async function sampleSegment(dir: string): Promise<Sample> {
  const random = pseudoRandom(7);
  const { journal } = openJournal({ dir });
  await journal.append(SCHEMA, Buffer.from('before'));
  const snapshot = ['s0', 's1', 's2', 's3', 's4'];
  await journal.rotate(snapshot.map((text) => ({ schema: OTHER_SCHEMA, payload: Buffer.from(text) })));
  const snapshotEnd = snapshotEndOf(dir);
  const written: string[] = [];
  const ends: number[] = [];
  const write = (count: number): void => {
    for (let n = 0; n < count; n++) {
      written.push(`${written.length}-${'x'.repeat(random(400))}`);
      journal.write(SCHEMA, Buffer.from(written.at(-1) ?? ''));
      ends.push(newestSegment(dir).bytes.length);
    }
  };
  for (let batch = 0; batch < 12; batch++) {
    write(5);
    await journal.sync();
  }
  const syncedEnd = ends.at(-1) ?? 0;
  write(10);
  // Read before the close, which would sync.
  const { name, bytes } = newestSegment(dir);
  await journal.close();
  return { bytes, name, texts: [...snapshot, ...written], ends, snapshotEnd, syncedEnd };
}

function newestSegment(dir: string): { readonly name: string; readonly bytes: Buffer } {
  const name =
    readdirSync(dir)
      .filter((file) => file.endsWith('.segment'))
      .sort()
      .at(-1) ?? '';
  return { name, bytes: readFileSync(join(dir, name)) };
}

/** The segment ends with its snapshot and a mark of 25 bytes while it has no records. */
function snapshotEndOf(dir: string): number {
  return newestSegment(dir).bytes.length - 25;
}

type Outcome = { readonly refused: string } | { readonly texts: readonly string[] };

/** Opens a directory that holds these bytes as its only segment. */
async function outcomeOf(dir: string, sample: Sample, bytes: Buffer): Promise<Outcome> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  const path = join(dir, sample.name);
  writeFileSync(path, bytes);
  const replayed: JournalRecord[] = [];
  try {
    const journal = Journal.open({ dir, lock: false, reserveBytes: 0, replay: (record) => replayed.push(record) });
    await journal.close();
  } catch (error) {
    if (!isCleatError(error) || error.code !== 'JOURNAL_CORRUPT') throw error;
    if (!readFileSync(path).equals(bytes)) throw new Error('a refused file has been changed');
    return { refused: error.message };
  }
  // What it has made of the file must be whole to a second reader.
  const second = openJournal({ dir, lock: false, reserveBytes: 0 });
  await second.journal.close();
  if (second.journal.tornTail !== undefined) throw new Error('the torn tail was not cut off');
  if (texts(second.replayed).join() !== texts(replayed).join()) throw new Error('a second replay gives something else');
  return { texts: texts(replayed) };
}

t.test('a file cut off anywhere gives its longest whole prefix, or is refused inside the snapshot', async (t) => {
  const sample = await sampleSegment(temporaryDirectory(t));
  const dir = join(memoryDirectory(t), 'journal');
  const random = pseudoRandom(1);
  const wrong: string[] = [];
  let refused = 0;
  for (let round = 0; round < 1000; round++) {
    const length = random(sample.bytes.length);
    const outcome = await outcomeOf(dir, sample, sample.bytes.subarray(0, length));
    const whole = sample.ends.filter((end) => end <= length).length;
    if ('refused' in outcome) {
      refused += 1;
      if (length >= sample.snapshotEnd) wrong.push(`${length}: ${outcome.refused}`);
    } else if (outcome.texts.join() !== sample.texts.slice(0, 5 + whole).join() || length < sample.snapshotEnd) {
      wrong.push(`${length}: ${outcome.texts.length} records instead of ${5 + whole}`);
    }
  }
  t.strictSame(wrong, []);
  t.ok(refused > 0 && refused < 100, `${refused} of 1000 ended inside the snapshot`);
});

t.test('a flipped bit in what was synced is refused, and in the tail that was not gives the prefix', async (t) => {
  const sample = await sampleSegment(temporaryDirectory(t));
  const dir = join(memoryDirectory(t), 'journal');
  const random = pseudoRandom(2);
  const wrong: string[] = [];
  let refused = 0;
  for (let round = 0; round < 1500; round++) {
    const at = random(sample.bytes.length);
    const bytes = Buffer.from(sample.bytes);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random(8)), at);
    const outcome = await outcomeOf(dir, sample, bytes);
    const whole = sample.ends.filter((end) => end <= at).length;
    if ('refused' in outcome) {
      refused += 1;
      if (at >= sample.syncedEnd) wrong.push(`${at}: ${outcome.refused}`);
    } else if (at < sample.syncedEnd || outcome.texts.join() !== sample.texts.slice(0, 5 + whole).join()) {
      wrong.push(`${at}: ${outcome.texts.length} records instead of ${at < sample.syncedEnd ? 'refusal' : 5 + whole}`);
    }
  }
  t.strictSame(wrong, []);
  t.ok(refused > 1000 && refused < 1500, `${refused} of 1500 were refused`);
});

t.test('a tail of which later pages reached the disk and earlier ones did not is cut off', async (t) => {
  const sample = await sampleSegment(temporaryDirectory(t));
  const dir = join(memoryDirectory(t), 'journal');
  const bytes = Buffer.from(sample.bytes);
  const [from = 0, to = 0] = sample.ends.slice(62, 64);
  bytes.fill(0, from, to);
  const outcome = await outcomeOf(dir, sample, bytes);
  t.strictSame(outcome, { texts: sample.texts.slice(0, 5 + 63) });
});

t.test('a record whose bytes pose as a frame does not mislead the search for later frames', async (t) => {
  const dir = temporaryDirectory(t);
  const { journal } = openJournal({ dir });
  await journal.append(SCHEMA, Buffer.from('synced'));
  const otherDir = temporaryDirectory(t);
  const other = openJournal({ dir: otherDir });
  await other.journal.append(SCHEMA, Buffer.alloc(5000));
  // The whole file of another journal, marks and all, as the content of a record.
  journal.write(SCHEMA, newestSegment(otherDir).bytes);
  await other.journal.close();
  const { name, bytes } = newestSegment(dir);
  await journal.close();
  const sample: Sample = { name, bytes, texts: [], ends: [], snapshotEnd: 0, syncedEnd: 0 };
  const outcome = await outcomeOf(join(memoryDirectory(t), 'journal'), sample, bytes.subarray(0, -100));
  t.strictSame(outcome, { texts: ['synced'] });
});

t.test('the error names the file and the byte', async (t) => {
  const sample = await sampleSegment(temporaryDirectory(t));
  const dir = temporaryDirectory(t);
  const bytes = Buffer.from(sample.bytes);
  const start = sample.ends[9] ?? 0;
  bytes.writeUInt8(bytes.readUInt8(start + 30) ^ 1, start + 30);
  // The tenth record is followed by the mark of its batch.
  const offset = start + 25;
  writeFileSync(join(dir, sample.name), bytes);
  t.throws(() => Journal.open({ dir }), {
    class: 'internal',
    code: 'JOURNAL_CORRUPT',
    details: { file: join(dir, sample.name), offset: String(offset) },
  });
  t.throws(() => Journal.open({ dir }), { code: 'JOURNAL_CORRUPT' }, 'and the lock has been let go');
});

t.test('a damaged old segment is told when its events are read, and the state can still be read', async (t) => {
  const dir = temporaryDirectory(t);
  const first = openJournal({ dir });
  for (let n = 0; n < 10; n++) first.journal.write(SCHEMA, Buffer.from(`old-${n}`));
  await first.journal.rotate([{ schema: SCHEMA, payload: Buffer.from('state') }]);
  await first.journal.close();
  const [oldest = ''] = readdirSync(dir)
    .filter((name) => name.endsWith('.segment'))
    .sort();
  const bytes = readFileSync(join(dir, oldest));
  bytes.writeUInt8(0xff, bytes.length - 60);
  writeFileSync(join(dir, oldest), bytes);

  const second = openJournal({ dir });
  t.strictSame(texts(second.replayed), ['state']);
  await t.rejects(collect(second.journal), { code: 'JOURNAL_CORRUPT', details: { file: join(dir, oldest) } });
  await second.journal.close();
  writeFileSync(join(dir, oldest), bytes.subarray(0, bytes.length - 200));
  const third = openJournal({ dir });
  await t.rejects(collect(third.journal), { code: 'JOURNAL_CORRUPT' }, 'also when it is too short');
  await third.journal.close();
});

async function collect(journal: Journal): Promise<number> {
  let count = 0;
  for await (const record of journal.read(1)) count += record.payload.length;
  return count;
}

t.test('a segment of a newer format is not touched', async (t) => {
  const dir = temporaryDirectory(t);
  const { encodeFrame, KIND_SNAPSHOT_BEGIN, NO_SCHEMA } = await import('../src/journal/frame.ts');
  const { encodeSegmentHeader, newSegmentHeader, segmentName } = await import('../src/journal/segment.ts');
  const payload = encodeSegmentHeader(newSegmentHeader(1));
  payload.writeUInt16BE(2, 8);
  writeFileSync(join(dir, segmentName(1)), encodeFrame({ kind: KIND_SNAPSHOT_BEGIN, schema: NO_SCHEMA, payload }, 0));
  t.throws(() => Journal.open({ dir }), { code: 'JOURNAL_FORMAT_UNKNOWN', message: /format 2/ });
});
