import { CleatError } from '@cleat/schemas';
import type { ImageRecord, IndexView } from './image-index.ts';
import { namesOf, requireImage } from './image-lookup.ts';
import { type ImageReference, referenceMatcher } from './reference.ts';
import { parsePointInTime } from './time.ts';

export type FilterValues = ReadonlyMap<string, readonly string[]>;

const LIST_FILTERS: ReadonlySet<string> = new Set(['dangling', 'label', 'before', 'since', 'reference', 'until']);
const PRUNE_FILTERS: ReadonlySet<string> = new Set(['dangling', 'label', 'label!', 'until']);

/** Docker's filters of images, checked and ready to be applied. */
export class ImageFilters {
  /** Only untagged ones, or only tagged ones; undefined: all. */
  readonly dangling: boolean | undefined;
  readonly #labels: readonly Label[];
  readonly #excluded: readonly Label[];
  readonly #patterns: readonly ((reference: ImageReference) => boolean)[];
  readonly #beforeMs: number;
  readonly #sinceMs: number;

  private constructor(values: FilterValues, index: IndexView) {
    const all = (key: string): readonly string[] => values.get(key) ?? [];
    this.dangling = readFlag('dangling', all('dangling'));
    this.#labels = all('label').map(readLabel);
    this.#excluded = all('label!').map(readLabel);
    this.#patterns = all('reference').map(referenceMatcher);
    const createdMs = (text: string): number => createdAtMs(requireImage(index, text));
    this.#beforeMs = Math.min(
      Number.POSITIVE_INFINITY,
      ...all('before').map(createdMs),
      ...all('until').map((text) => parsePointInTime(text, Date.now())),
    );
    this.#sinceMs = Math.max(Number.NEGATIVE_INFINITY, ...all('since').map(createdMs));
  }

  /** Errors: IMAGE_FILTER_INVALID, IMAGE_NOT_FOUND. */
  static forList(values: FilterValues, index: IndexView): ImageFilters {
    requireKnown(values, LIST_FILTERS);
    return new ImageFilters(values, index);
  }

  /** Errors: IMAGE_FILTER_INVALID. */
  static forPrune(values: FilterValues, index: IndexView): ImageFilters {
    requireKnown(values, PRUNE_FILTERS);
    return new ImageFilters(values, index);
  }

  /** The names that an image is listed with; undefined when it is not listed. */
  listedNames(index: IndexView, record: ImageRecord): ImageReference[] | undefined {
    if (!this.acceptsPrune(record)) return undefined;
    const all = namesOf(index, record.id);
    const names = this.#patterns.length === 0 ? all : all.filter((name) => this.#patterns.some((matches) => matches(name)));
    if (names.length === 0 && this.#patterns.length > 0) return undefined;
    const isTagged = names.some((name) => name.tag !== undefined);
    if (this.dangling === true && isTagged) return undefined;
    return this.dangling === false && names.length === 0 ? undefined : names;
  }

  /** By age and labels alone. */
  acceptsPrune(record: ImageRecord): boolean {
    const createdMs = createdAtMs(record);
    if (createdMs >= this.#beforeMs || createdMs <= this.#sinceMs) return false;
    return this.#labels.every((label) => hasLabel(record, label)) && !this.#excluded.some((label) => hasLabel(record, label));
  }
}

/** When an image was made; 1970 for one that does not say. */
export function createdAtMs(record: ImageRecord): number {
  const time = Date.parse(record.created);
  return Number.isNaN(time) ? 0 : time;
}

interface Label {
  readonly key: string;
  readonly value: string | undefined;
}

function readLabel(text: string): Label {
  const equals = text.indexOf('=');
  return equals < 0 ? { key: text, value: undefined } : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

function hasLabel(record: ImageRecord, label: Label): boolean {
  const value = record.labels.get(label.key);
  return value !== undefined && (label.value === undefined || label.value === value);
}

function readFlag(key: string, values: readonly string[]): boolean | undefined {
  const read = values.map((value) => {
    if (['1', 'true', 'True', 'TRUE', 't', 'T'].includes(value)) return true;
    if (['0', 'false', 'False', 'FALSE', 'f', 'F'].includes(value)) return false;
    throw invalidFilter(`${key}=${value}`);
  });
  // Both at once is a contradiction, which Docker refuses too.
  if (new Set(read).size > 1) throw invalidFilter(`${key}=${values.join(',')}`);
  return read[0];
}

function requireKnown(values: FilterValues, known: ReadonlySet<string>): void {
  for (const key of values.keys()) if (!known.has(key)) throw invalidFilter(key);
}

function invalidFilter(filter: string): CleatError {
  return new CleatError('invalid_argument', 'IMAGE_FILTER_INVALID', `invalid filter '${filter}'`);
}
