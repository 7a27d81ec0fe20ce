import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Journal, type JournalRecord, unknownJournalSchema } from '../src/journal/index.ts';
import { OTHER_SCHEMA, openJournal, readTexts, SCHEMA, temporaryDirectory, texts } from './journal-fixture.ts';

t.test('a record that was written is replayed after a restart with its position and schema', async (t) => {
  const dir = join(temporaryDirectory(t), 'made', 'on', 'open');
  const first = openJournal({ dir });
  t.equal(first.replayed.length, 0);
  t.equal(first.journal.lastPosition, 0);
  t.equal(first.journal.write(SCHEMA, Buffer.from('one')), 1);
  t.equal(await first.journal.append(OTHER_SCHEMA, Buffer.from('two')), 2);
  await first.journal.close();

  const second = openJournal({ dir });
  t.strictSame(
    second.replayed.map(({ type, position, schema, payload }) => ({ type, position, schema, text: payload.toString() })),
    [
      { type: 'record', position: 1, schema: SCHEMA, text: 'one' },
      { type: 'record', position: 2, schema: OTHER_SCHEMA, text: 'two' },
    ],
  );
  t.equal(second.journal.tornTail, undefined);
  t.equal(second.journal.write(SCHEMA, Buffer.from('three')), 3, 'positions go on');
  await second.journal.close();
});

t.test('a restart after a rotation gets the snapshot and what came after it', async (t) => {
  const dir = temporaryDirectory(t);
  const { journal } = openJournal({ dir });
  for (const text of ['a', 'b', 'c']) journal.write(SCHEMA, Buffer.from(text));
  await journal.rotate([
    { schema: OTHER_SCHEMA, payload: Buffer.from('state-1') },
    { schema: OTHER_SCHEMA, payload: Buffer.from('state-2') },
  ]);
  journal.write(SCHEMA, Buffer.from('d'));
  await journal.close();

  const again = openJournal({ dir });
  t.strictSame(texts(again.replayed), ['state-1', 'state-2', 'd']);
  t.strictSame(
    again.replayed.map((record) => record.type),
    ['snapshot', 'snapshot', 'record'],
  );
  t.strictSame(
    again.replayed.map((record) => record.position),
    [3, 3, 4],
  );
  t.equal(again.journal.firstRetainedPosition, 1);
  t.strictSame(await readTexts(again.journal, 2), ['2:b', '3:c', '4:d'], 'events are read across segments');
  await again.journal.close();
});

t.test('records written while a rotation runs are in the new segment, once and in order', async (t) => {
  const dir = temporaryDirectory(t);
  const { journal } = openJournal({ dir });
  for (let n = 1; n <= 50; n++) journal.write(SCHEMA, Buffer.from(`${n}`));
  let isRotating = true;
  const rotation = journal
    .rotate(Array.from({ length: 2000 }, (_, n) => ({ schema: OTHER_SCHEMA, payload: Buffer.alloc(1000, n) })))
    .finally(() => {
      isRotating = false;
    });
  t.equal(journal.needsRotation, false, 'one at a time');
  await t.rejects(journal.rotate([]), { code: 'JOURNAL_ROTATING' });
  let during = 0;
  while (isRotating) {
    await journal.append(SCHEMA, Buffer.from(`${51 + during}`));
    during += 1;
  }
  await rotation;
  t.ok(during > 1, `${during} records were written during the rotation`);
  const expected = Array.from({ length: 50 + during }, (_, n) => `${n + 1}:${n + 1}`);
  t.strictSame(await readTexts(journal, 1), expected);
  await journal.close();

  const again = openJournal({ dir });
  const records = again.replayed.filter((record) => record.type === 'record');
  t.equal(again.replayed.length - records.length, 2000);
  t.strictSame(
    records.map((record) => record.position),
    expected.slice(50).map((text) => Number(text.split(':')[0])),
  );
  t.strictSame(await readTexts(again.journal, 1), expected);
  await again.journal.close();
});

t.test('old segments are removed over the limit, but not those that are kept', async (t) => {
  const dir = temporaryDirectory(t);
  const { journal } = openJournal({ dir, segmentBytes: 10_000, retainBytes: 30_000 });
  const fill = async (): Promise<void> => {
    while (!journal.needsRotation) journal.write(SCHEMA, Buffer.alloc(1000));
    await journal.rotate([{ schema: SCHEMA, payload: Buffer.from('state') }]);
  };
  journal.keepFrom(1);
  for (let n = 0; n < 6; n++) await fill();
  t.equal(journal.firstRetainedPosition, 1);
  t.ok(journal.totalBytes > 50_000);
  journal.keepFrom(25);
  t.ok(journal.firstRetainedPosition > 1, 'segments that are not kept any more go at once');
  t.ok(journal.firstRetainedPosition <= 25);
  journal.keepFrom(journal.lastPosition + 1);
  t.ok(journal.totalBytes <= 30_000);
  const first = journal.firstRetainedPosition;
  t.throws(() => journal.read(first - 1), { code: 'JOURNAL_POSITION_GONE', details: { first: String(first) } });
  t.equal((await readTexts(journal, first)).length, journal.lastPosition - first + 1);
  t.equal(readdirSync(dir).filter((name) => name.endsWith('.segment')).length, journal.totalBytes > 20_000 ? 3 : 2);
  await journal.close();
});

t.test('only the segment that is written to has a reserve', async (t) => {
  const dir = temporaryDirectory(t);
  const { journal } = openJournal({ dir });
  const takenBytes = (base: number): number => statSync(join(dir, `${String(base).padStart(20, '0')}.segment`)).blocks * 512;
  await journal.append(SCHEMA, Buffer.alloc(1000));
  t.ok(takenBytes(1) > 1024 * 1024);
  // A sync that is under way when the new segment takes over must not take the blocks again.
  await Promise.all([journal.rotate([]), journal.append(SCHEMA, Buffer.alloc(1000))]);
  await journal.append(SCHEMA, Buffer.alloc(1000));
  t.ok(takenBytes(1) < 64 * 1024);
  t.ok(takenBytes(2) > 1024 * 1024);
  await journal.close();
});

t.test('a rotation is due after so many records, and none before', async (t) => {
  const { journal } = openJournal({ dir: temporaryDirectory(t), segmentRecords: 3 });
  journal.write(SCHEMA, Buffer.from('a'));
  journal.write(SCHEMA, Buffer.from('b'));
  t.equal(journal.needsRotation, false);
  journal.write(SCHEMA, Buffer.from('c'));
  t.equal(journal.needsRotation, true);
  await journal.rotate([]);
  t.equal(journal.needsRotation, false);
  await journal.rotate([]);
  t.equal(journal.write(SCHEMA, Buffer.from('d')), 4, 'rotating twice without a record between is harmless');
  t.strictSame(await readTexts(journal, 1), ['1:a', '2:b', '3:c', '4:d']);
  await journal.close();
});

t.test('reading can start anywhere, filter by schema, and ends where the journal ended at the call', async (t) => {
  const dir = temporaryDirectory(t);
  const { journal } = openJournal({ dir });
  for (let n = 1; n <= 3000; n++) journal.write(n % 3 === 0 ? OTHER_SCHEMA : SCHEMA, Buffer.from(`${n}`));
  for (const from of [1, 2, 256, 257, 258, 1500, 2999, 3000]) {
    const read = await readTexts(journal, from);
    t.equal(read.length, 3001 - from);
    t.equal(read[0], `${from}:${from}`);
  }
  t.strictSame(await readTexts(journal, 3001), []);
  const thirds: number[] = [];
  const stream = journal.read(1, (schema) => schema === OTHER_SCHEMA);
  journal.write(OTHER_SCHEMA, Buffer.from('later'));
  for await (const record of stream) thirds.push(record.position);
  t.strictSame([thirds.length, thirds[0], thirds.at(-1)], [1000, 3, 3000]);
  await journal.close();
});

t.test('syncs that are asked for together share the calls to the disk', async (t) => {
  const { journal } = openJournal({ dir: temporaryDirectory(t) });
  const emptyBytes = journal.totalBytes;
  const positions = await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      const written = journal.write(SCHEMA, Buffer.from(`${n}`));
      return { written, synced: await journal.sync() };
    }),
  );
  t.ok(positions.every(({ written, synced }) => synced >= written));
  t.equal(await journal.sync(), 200);
  // One in flight and one for all that came meanwhile; each leaves a mark of 25 bytes.
  const recordBytes = positions.reduce((sum, _, n) => sum + 17 + `${n}`.length, 0);
  const marks = (journal.totalBytes - emptyBytes - recordBytes) / 25;
  t.ok(marks >= 1 && marks <= 2, `${marks} calls for 200 records`);
  await journal.close();
});

t.test('a second process is told who has the journal open', async (t) => {
  const dir = temporaryDirectory(t);
  const { journal } = openJournal({ dir });
  t.throws(() => openJournal({ dir }), {
    class: 'conflict',
    code: 'JOURNAL_LOCKED',
    message: new RegExp(`process ${process.pid}`),
    details: { pid: String(process.pid) },
  });
  await journal.close();
  const again = openJournal({ dir });
  await again.journal.close();
});

t.test('a replay that throws leaves the journal closed and as it was', async (t) => {
  const dir = temporaryDirectory(t);
  const { journal } = openJournal({ dir });
  journal.write(SCHEMA, Buffer.from('from the future'));
  await journal.close();
  const before = readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'hex')]);
  const replay = (record: JournalRecord): void => {
    throw unknownJournalSchema(record.schema, record.position);
  };
  for (let n = 0; n < 2; n++) {
    t.throws(() => Journal.open({ dir, replay }), { code: 'JOURNAL_SCHEMA_UNKNOWN', details: { schema: SCHEMA } });
  }
  t.strictSame(
    readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'hex')]),
    before,
  );
});

t.test('a journal that is closed refuses everything and can be closed again', async (t) => {
  const { journal } = openJournal({ dir: temporaryDirectory(t) });
  await journal.close();
  await journal.close();
  t.throws(() => journal.write(SCHEMA, Buffer.from('x')), { code: 'JOURNAL_CLOSED' });
  await t.rejects(journal.sync(), { code: 'JOURNAL_CLOSED' });
  await t.rejects(journal.rotate([]), { code: 'JOURNAL_CLOSED' });
});

t.test('a record that cannot be one is refused before anything is written', async (t) => {
  const { journal } = openJournal({ dir: temporaryDirectory(t) });
  t.throws(() => journal.write('not a fingerprint', Buffer.from('x')), { code: 'JOURNAL_SCHEMA_INVALID' });
  t.throws(() => journal.write(SCHEMA, Buffer.alloc(9 * 1024 * 1024)), { code: 'JOURNAL_RECORD_TOO_LARGE' });
  t.equal(journal.write(SCHEMA, Buffer.alloc(0)), 1);
  await journal.close();
});
