import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SchemaBook } from '@cleat/schemas';
import { Journal, type JournalRecord } from '@cleat/sdk/platform';
import { fileFailure } from '../output/file-failure.ts';
import { isRecord, jsonLine, textAt } from '../output/json.ts';

const SEGMENT = '.segment';

/**
 * Tells every record of a kernel's journal. Opening a journal mends its end, so it is a copy that is opened: what a crash has left stays as
 * it is, and a kernel that runs is not disturbed.
 */
export function readJournal(directory: string, tell: (record: JournalRecord) => void): void {
  const segments = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(SEGMENT)) : [];
  if (segments.length === 0) throw fileFailure(directory, new Error('there is no journal in it'));
  const copy = mkdtempSync(join(tmpdir(), 'cleat-journal-'));
  try {
    for (const name of segments) cpSync(join(directory, name), join(copy, name));
    Journal.open({ dir: copy, lock: false, replay: tell });
  } finally {
    // The journal keeps the copy open until this program ends, which does not need its name.
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Writes records as lines: position, what it is, whom it is about, the step, and the events that it carries. */
export class JournalLines {
  readonly #book = new SchemaBook();
  readonly #isJson: boolean;

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  line({ type, position, schema, payload }: JournalRecord): string {
    const avro = this.#book.knows(schema) ? this.#book.typeOf(schema) : undefined;
    const value: unknown = avro?.fromBuffer(payload);
    const record = (avro?.name ?? schema).split('.').at(-1) ?? schema;
    if (this.#isJson) return jsonLine({ position, type, record, value: value ?? null });
    const mark = type === 'snapshot' ? '*' : ' ';
    return `${String(position).padStart(8)}${mark} ${record.padEnd(18)} ${subjectOf(value).slice(0, 12).padEnd(12)}  ${detailsOf(value)}`
      .trimEnd()
      .concat('\n');
  }
}

function subjectOf(value: unknown): string {
  const definition = isRecord(value) ? value['definition'] : undefined;
  return (
    textAt(value, 'container') ||
    textAt(definition, 'id') ||
    textAt(value, 'name') ||
    textAt(value, 'plugin') ||
    textAt(value, 'provider') ||
    textAt(value, 'what')
  );
}

function detailsOf(value: unknown): string {
  if (!isRecord(value)) return '';
  const progress = value['progress'];
  const state = isRecord(progress) ? progress['state'] : undefined;
  const events = Array.isArray(value['events']) ? value['events'].map((event) => textAt(event, 'type')) : [];
  return [
    textAt(value, 'step'),
    textAt(state, 'status'),
    textAt(progress, 'open') === '' ? '' : `open=${textAt(progress, 'open')}`,
    textAt(value, 'operation'),
    ...events.map((type) => `+${type}`),
  ]
    .filter((word) => word !== '')
    .join(' ');
}
