import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tempDir } from '@cleat/harness';
import { Journal, type JournalOptions, type JournalRecord } from '../src/journal/index.ts';

export const SCHEMA = '00112233445566aa';
export const OTHER_SCHEMA = 'ffeeddccbbaa9988';

/** What a teardown is registered with: a test of tap. */
interface Test {
  teardown(handler: () => void): void;
}

export function temporaryDirectory(t: Test): string {
  return tempDir(t, 'cleat-journal-');
}

/** One in memory, for tests that open a journal a thousand times and would wait for the disk each time. */
export function memoryDirectory(t: Test): string {
  if (!existsSync('/dev/shm')) return temporaryDirectory(t);
  const dir = mkdtempSync('/dev/shm/cleat-journal-');
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export interface Reopened {
  readonly journal: Journal;
  readonly replayed: readonly JournalRecord[];
}

/** Opens a journal and keeps what its replay gave. */
export function openJournal(options: JournalOptions): Reopened {
  const replayed: JournalRecord[] = [];
  const journal = Journal.open({ ...options, replay: (record) => replayed.push(record) });
  return { journal, replayed };
}

export function texts(records: readonly JournalRecord[]): string[] {
  return records.map((record) => record.payload.toString());
}

export async function readTexts(journal: Journal, from: number): Promise<string[]> {
  const found: string[] = [];
  for await (const record of journal.read(from)) found.push(`${record.position}:${record.payload.toString()}`);
  return found;
}
