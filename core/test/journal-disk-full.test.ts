import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { needs, tempDir } from '@cleat/harness';
import { isCleatError } from '@cleat/schemas';
import t from 'tap';
import type { Journal } from '../src/journal/index.ts';
import { mount, umount } from '../src/syscalls/index.ts';
import { openJournal, SCHEMA, texts } from './journal-fixture.ts';

const MIB = 1024 * 1024;

interface Disk {
  readonly dir: string;
  /** Takes all the space that is left, as a container would that writes without end. */
  fill(): void;
  /** Gives all of that back. */
  free(): void;
}

/** A file system of its own. */
function smallDisk(t: { teardown(action: () => unknown): void }, sizeMiB: number): Disk {
  const dir = join(tempDir(t), 'disk');
  mkdirSync(dir);
  mount({ source: 'tmpfs', target: dir, type: 'tmpfs', data: `size=${sizeMiB}m,mode=0700` });
  t.teardown(() => umount(dir, { lazy: true }));
  const filler = join(dir, 'filler');
  return {
    dir,
    fill: () => {
      const fd = openSync(filler, 'a');
      try {
        for (;;) writeSync(fd, Buffer.alloc(16 * 1024, 1));
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      } finally {
        closeSync(fd);
      }
    },
    free: () => rmSync(filler),
  };
}

/** Writes critical records until there is no room for another; the number of bytes that went in. */
function writeCritical(journal: Journal, size: number): number {
  for (let bytes = 0; ; bytes += size) {
    try {
      journal.write(SCHEMA, Buffer.alloc(size, 'c'), { critical: true });
    } catch (error) {
      if (isCleatError(error) && error.code === 'JOURNAL_FULL') return bytes;
      throw error;
    }
  }
}

t.test('a full disk refuses ordinary records and takes critical ones, whoever else wants its space', async (t) => {
  if (!needs(t, 'root')) return;
  const disk = smallDisk(t, 8);
  const dir = join(disk.dir, 'journal');
  const { journal } = openJournal({ dir });
  await journal.append(SCHEMA, Buffer.from('before'));
  disk.fill();

  const refused = { class: 'resource_exhausted', code: 'JOURNAL_FULL', retryable: true };
  const writeOrdinary = (): number => journal.write(SCHEMA, Buffer.alloc(3000, 'o'));
  // Some of the step that was taken in advance may still be free for ordinary ones.
  let ordinary = 0;
  t.throws(() => {
    for (; ordinary < 200; ordinary++) writeOrdinary();
  }, refused);
  t.ok(ordinary < 100, `${ordinary} ordinary records found room`);
  for (let n = 0; n < 50; n++) {
    disk.fill();
    t.throws(writeOrdinary, refused);
    const exit = await journal.append(SCHEMA, Buffer.from(`exit ${n}`), { critical: true });
    t.equal(exit, ordinary + 2 + n);
  }
  await t.rejects(journal.rotate([{ schema: SCHEMA, payload: Buffer.alloc(3000) }]), refused);
  t.strictSame(unfinished(dir), [], 'a rotation without room leaves nothing');
  const critical = writeCritical(journal, 10_000);
  t.ok(critical > 0.9 * MIB, `${critical} bytes of critical records after that`);

  disk.free();
  t.equal(writeOrdinary(), journal.lastPosition, 'with space again ordinary records are taken');
  disk.fill();
  t.ok(writeCritical(journal, 10_000) > 0.9 * MIB, 'and there is a reserve again');
  const last = journal.lastPosition;
  await journal.close();

  const again = openJournal({ dir });
  t.equal(again.journal.tornTail, undefined);
  t.equal(again.journal.lastPosition, last, 'a full disk can be started from');
  t.equal(again.replayed.length, last);
  t.ok(texts(again.replayed).includes('exit 49'));
  t.throws(() => again.journal.write(SCHEMA, Buffer.alloc(1)), refused);
  disk.free();
  t.equal(await again.journal.append(SCHEMA, Buffer.from('after')), last + 1);
  await again.journal.rotate([{ schema: SCHEMA, payload: Buffer.from('state') }]);
  await again.journal.close();
});

t.test('a write that finds room for a part of the record leaves no part of it', async (t) => {
  if (!needs(t, 'root')) return;
  const disk = smallDisk(t, 2);
  const dir = join(disk.dir, 'journal');
  const { journal } = openJournal({ dir, reserveBytes: 0 });
  let written = 0;
  t.throws(
    () => {
      for (; written < 100; written++) journal.write(SCHEMA, Buffer.alloc(100_001, written));
    },
    { code: 'JOURNAL_FULL' },
  );
  t.ok(written > 10 && written < 30);
  t.equal(journal.lastPosition, written);
  t.equal(journal.write(SCHEMA, Buffer.from('small')), written + 1, 'a smaller one fits at the same place');
  await journal.close();
  const again = openJournal({ dir, reserveBytes: 0 });
  t.equal(again.journal.tornTail, undefined);
  t.equal(again.replayed.length, written + 1);
  t.ok(again.replayed.slice(0, written).every(({ payload }, n) => payload.equals(Buffer.alloc(100_001, n))));
  await again.journal.close();
});

t.test('a rotation that runs out of space while records are written loses none of them', async (t) => {
  if (!needs(t, 'root')) return;
  const disk = smallDisk(t, 12);
  const dir = join(disk.dir, 'journal');
  const { journal } = openJournal({ dir });
  for (let n = 0; n < 100; n++) journal.write(SCHEMA, Buffer.alloc(10_000, 'r'));
  const rotation = journal.rotate(Array.from({ length: 200 }, () => ({ schema: SCHEMA, payload: Buffer.alloc(50_000) })));
  let refusal: unknown;
  const done = rotation.catch((error: unknown) => {
    refusal = error;
  });
  for (let n = 0; refusal === undefined && n < 1000; n++) {
    await journal.append(SCHEMA, Buffer.from('meanwhile'), { critical: true });
  }
  await done;
  t.match(refusal, { code: 'JOURNAL_FULL' });
  t.strictSame(unfinished(dir), []);
  t.equal(journal.write(SCHEMA, Buffer.from('later')), journal.lastPosition);
  const last = journal.lastPosition;
  await journal.close();
  const again = openJournal({ dir });
  t.equal(again.replayed.length, last);
  t.equal(again.journal.firstRetainedPosition, 1);
  await again.journal.close();
});

function unfinished(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.endsWith('.tmp'));
}
