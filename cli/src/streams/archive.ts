import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CleatError, parseErrorClass } from '@cleat/schemas/errors';
import { openStream } from '@cleat/sdk/streams';
import { usageError } from '../command/usage-error.ts';
import { fileFailure } from '../output/file-failure.ts';
import { isRecord, numberAt, parseObject, textAt } from '../output/json.ts';
import { byteText } from '../output/size.ts';

interface Ticket {
  readonly socket: string;
  readonly token: string;
}

export interface ReceivedImage {
  readonly id: string;
  readonly reference: string;
}

/** A file that is sent, or standard input for "-"; opened before anybody is asked to receive it. */
export interface ArchiveSource {
  readonly name: string;
  readonly stream: Readable;
}

export async function openArchive(file: string): Promise<ArchiveSource> {
  if (file !== '-') {
    const handle = await open(file, 'r').catch((error: unknown) => Promise.reject(fileFailure(file, error)));
    return { name: file, stream: handle.createReadStream() };
  }
  if (process.stdin.isTTY) throw usageError('an archive does not come from a terminal', 'Name a file, or send it through a pipe.');
  return { name: file, stream: process.stdin };
}

/** Sends an archive to the plugin that keeps images. What it made of it. */
export async function sendArchive(
  ticket: Ticket,
  source: ArchiveSource,
  onProgress?: (text: string) => void,
): Promise<readonly ReceivedImage[]> {
  const socket = await openStream(ticket);
  let failure: unknown;
  // A plugin that refuses stops reading: what it answers says why, the broken pipe does not.
  const sent = pipeline(source.stream, socket).catch((error: unknown) => {
    failure = error;
  });
  const images: ReceivedImage[] = [];
  let refusal: CleatError | undefined;
  for await (const line of createInterface({ input: socket })) {
    const value = parseObject(line);
    const { error, progress } = value;
    if (isRecord(error))
      refusal = new CleatError(parseErrorClass(textAt(error, 'class')), textAt(error, 'code'), textAt(error, 'message'), {
        hint: textAt(error, 'hint') || undefined,
      });
    else if (isRecord(progress)) onProgress?.(progressText(progress));
    else if (textAt(value, 'id') !== '') images.push({ id: textAt(value, 'id'), reference: textAt(value, 'reference') });
  }
  await sent;
  if (refusal !== undefined) throw refusal;
  if (failure !== undefined) throw fileFailure(source.name, failure);
  if (images.length === 0)
    throw new CleatError('unavailable', 'STREAM_GONE', 'the plugin that keeps images went away before it was done', { retryable: true });
  return images;
}

function progressText(progress: Readonly<Record<string, unknown>>): string {
  const total = numberAt(progress, 'total');
  return `${textAt(progress, 'item')} ${textAt(progress, 'message')}${total === 0 ? '' : ` ${byteText(total)}`}`.trim();
}

/** Writes what comes to a file, which appears when it is whole, or to standard output. */
export async function receiveArchive(ticket: Ticket, file: string | undefined): Promise<void> {
  const socket = await openStream(ticket);
  socket.end();
  if (file === undefined) {
    await pipeline(socket, process.stdout, { end: false });
    return;
  }
  const partial = `${file}.partial`;
  try {
    await pipeline(socket, createWriteStream(partial, { mode: 0o600 }));
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw fileFailure(file, error);
  }
}
