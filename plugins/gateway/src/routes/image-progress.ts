import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { numberAt, parseObject, stringAt } from '../wire/json.ts';

export interface ProgressLine {
  readonly type: 'status' | 'error';
  readonly message: string;
  /** The line that goes to the client. */
  readonly text: string;
}

function status(message: object): ProgressLine {
  return { type: 'status', message: '', text: `${JSON.stringify(message)}\r\n` };
}

export function errorLine(message: string): ProgressLine {
  return { type: 'error', message, text: `${JSON.stringify({ errorDetail: { message }, error: message })}\r\n` };
}

/** A line of the images plugin in Docker's words. */
function translated(line: string, isLoad: boolean): ProgressLine | undefined {
  const value = parseObject(line);
  const error = value['error'];
  if (error !== undefined) return errorLine(typeof error === 'string' ? error : stringAt(error, 'message') || 'the archive was refused');
  if (typeof value['stream'] === 'string') return status({ stream: value['stream'] });
  const id = stringAt(value, 'id');
  if (id !== '') {
    if (!isLoad) return status({ status: id });
    const name = stringAt(value, 'reference') || stringAt(value, 'name');
    return status({ stream: name === '' ? `Loaded image ID: ${id}\n` : `Loaded image: ${name}\n` });
  }
  const progress = value['progress'];
  if (progress === undefined) return undefined;
  const message = stringAt(progress, 'message') || (typeof progress === 'string' ? progress : '');
  return status({
    status: message,
    progressDetail: { current: numberAt(progress, 'current'), total: numberAt(progress, 'total') },
    ...(stringAt(progress, 'item') === '' ? {} : { id: stringAt(progress, 'item') }),
  });
}

/** What a plugin answers to an archive, while it is being sent. */
export async function* progressLines(stream: Socket, sent: Promise<void>, isLoad: boolean): AsyncGenerator<ProgressLine> {
  // A plugin that refuses stops reading: its answer says why, the broken pipe does not.
  let failure: unknown;
  const sending = sent.catch((error: unknown) => {
    failure = error;
  });
  let isAnswered = false;
  for await (const line of createInterface({ input: stream })) {
    if (line.trim() === '') continue;
    const shown = translated(line, isLoad);
    if (shown === undefined) continue;
    isAnswered = true;
    yield shown;
  }
  await sending;
  if (!isAnswered && failure !== undefined) yield errorLine(failure instanceof Error ? failure.message : String(failure));
}
