// Generated from schemas/contracts/logdata.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';

export interface Segment {
  /** Counts from 1 over the container's life. */
  readonly number: number;
  /** `<number>-<run>.log` in the container's log directory; `current.log` until it has that name. */
  readonly path: string;
  readonly sizeBytes: number;
  /** The monitor still writes it. */
  readonly open: boolean;
  /** The run that wrote it. */
  readonly run: number;
}

/** What encoding takes for a Segment: fields with a default may be left out. */
export interface SegmentInput {
  readonly number: number;
  readonly path: string;
  readonly sizeBytes: number;
  readonly open: boolean;
  readonly run: number;
}

export interface SegmentsRequest {
  readonly container: string;
}

/** What encoding takes for a SegmentsRequest: fields with a default may be left out. */
export interface SegmentsRequestInput {
  readonly container: string;
}

export interface SegmentsResponse {
  readonly segments: ReadonlyArray<Segment>;
  /** Lines lost since the container was made, because the spool was full. */
  readonly dropped: number;
  readonly running: boolean;
}

/** What encoding takes for a SegmentsResponse: fields with a default may be left out. */
export interface SegmentsResponseInput {
  readonly segments?: ReadonlyArray<SegmentInput> | undefined;
  readonly dropped?: number | undefined;
  readonly running?: boolean | undefined;
}

/** Segments up to this number are no longer needed: the kernel may remove them. */
export interface AcknowledgeRequest {
  readonly container: string;
  readonly number: number;
}

/** What encoding takes for a AcknowledgeRequest: fields with a default may be left out. */
export interface AcknowledgeRequestInput {
  readonly container: string;
  readonly number: number;
}

/** The operations of the contract logdata. */
export interface Operations {
  /** The segments of a container that were not acknowledged yet. Fails with CONTAINER_NOT_FOUND. */
  readonly segments: { readonly input: SegmentsRequestInput; readonly request: SegmentsRequest; readonly response: SegmentsResponse; readonly answer: SegmentsResponseInput };
  /** Segments up to a number have been kept elsewhere, or are not wanted. */
  readonly acknowledge: { readonly input: AcknowledgeRequestInput; readonly request: AcknowledgeRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
}
