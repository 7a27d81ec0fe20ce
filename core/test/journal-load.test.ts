import t from 'tap';
import { Journal } from '../src/journal/index.ts';
import { SCHEMA, temporaryDirectory } from './journal-fixture.ts';

const RECORDS = 10_000;
const RECORD_BYTES = 3_000;

t.test('ten thousand records are replayed, and read as events, in order', async (t) => {
  const dir = temporaryDirectory(t);
  const options = { dir, segmentBytes: 100 * 1024 * 1024 };
  const journal = Journal.open(options);
  const payload = Buffer.alloc(RECORD_BYTES, 'x');
  const writeStart = performance.now();
  for (let n = 1; n <= RECORDS; n++) {
    payload.writeUInt32BE(n);
    journal.write(SCHEMA, payload);
  }
  const writeMs = performance.now() - writeStart;
  await journal.close();

  let outOfTurn = 0;
  let bytes = 0;
  const loadStart = performance.now();
  const again = Journal.open({
    ...options,
    replay: (record) => {
      if (record.payload.readUInt32BE() !== record.position) outOfTurn += 1;
      bytes += record.payload.length;
    },
  });
  const loadMs = performance.now() - loadStart;
  t.equal(bytes, RECORDS * RECORD_BYTES);

  let next = 1;
  const readStart = performance.now();
  for await (const record of again.read(1)) {
    if (record.position !== next || record.payload.readUInt32BE() !== next) outOfTurn += 1;
    next += 1;
  }
  const readMs = performance.now() - readStart;
  t.equal(next, RECORDS + 1);
  t.equal(outOfTurn, 0);

  const snapshot = Array.from({ length: RECORDS }, () => ({ schema: SCHEMA, payload }));
  const rotateStart = performance.now();
  await again.rotate(snapshot);
  const rotateMs = performance.now() - rotateStart;
  await again.close();
  const times = { writeMs, loadMs, readMs, rotateMs };
  t.comment(
    Object.entries(times)
      .map(([name, ms]) => `${name} ${Math.round(ms)}`)
      .join(', '),
  );
});
