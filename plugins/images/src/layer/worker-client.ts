import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CleatError, parseErrorClass } from '@cleat/schemas';
import { isDigest } from '../store/digest.ts';
import { isObject, type JsonObject } from '../store/json.ts';
import { Slots } from '../store/serial.ts';
import type { CopyJob, CopyResult, Job, UnpackJob, UnpackResult } from './unpack-job.ts';

const PROGRAM = fileURLToPath(new URL('./worker.js', import.meta.url));
const OUTPUT_LIMIT = 64 * 1024;

/** Runs jobs of unpacking and copying, each in a process of its own, so many at a time. */
export class LayerWorkers {
  readonly #slots: Slots;

  constructor(atOnce: number) {
    this.#slots = new Slots(atOnce);
  }

  /** Errors: those of `unpackLayer`, and IMAGE_WORKER_FAILED. */
  async unpack(job: UnpackJob, signal?: AbortSignal): Promise<UnpackResult> {
    const { diffId, archiveBytes, contentBytes } = await this.#run(job, signal);
    if (typeof diffId !== 'string' || !isDigest(diffId) || typeof archiveBytes !== 'number' || typeof contentBytes !== 'number') {
      throw failed('its answer cannot be read');
    }
    return { diffId, archiveBytes, contentBytes };
  }

  /** Errors: those of `copyTree`, and IMAGE_WORKER_FAILED. */
  async copy(job: CopyJob, signal?: AbortSignal): Promise<CopyResult> {
    const { contentBytes } = await this.#run(job, signal);
    if (typeof contentBytes !== 'number') throw failed('its answer cannot be read');
    return { contentBytes };
  }

  async #run(job: Job, signal: AbortSignal | undefined): Promise<JsonObject> {
    return this.#slots.run(async () => {
      signal?.throwIfAborted();
      const { output, complaint, end } = await runProgram(JSON.stringify(job), signal);
      signal?.throwIfAborted();
      return readAnswer(output, `${end} ${complaint}`.trim());
    });
  }
}

interface Run {
  readonly output: string;
  readonly complaint: string;
  readonly end: string;
}

function runProgram(line: string, signal: AbortSignal | undefined): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'pipe'] });
    const texts = { output: '', complaint: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      texts.output = (texts.output + text).slice(0, OUTPUT_LIMIT);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      texts.complaint = (texts.complaint + text).slice(0, OUTPUT_LIMIT);
    });
    const stop = (): void => void child.kill('SIGKILL');
    signal?.addEventListener('abort', stop, { once: true });
    child.once('error', reject);
    child.once('close', (code, name) => {
      signal?.removeEventListener('abort', stop);
      resolve({ ...texts, end: name ?? `exit code ${code ?? '?'}` });
    });
    // It dies with a broken pipe only after it has said why on stdout, or not at all.
    child.stdin.on('error', () => undefined);
    // Kept open: its end tells the child that this process is gone.
    child.stdin.write(`${line}\n`);
  });
}

function readAnswer(output: string, end: string): JsonObject {
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch (error) {
    throw failed(end, error);
  }
  if (!isObject(answer)) throw failed(end);
  if (isObject(answer['result'])) return answer['result'];
  const error = answer['error'];
  if (!isObject(error)) throw failed(end);
  throw new CleatError(parseErrorClass(String(error['class'])), String(error['code']), String(error['message']), {
    hint: typeof error['hint'] === 'string' ? error['hint'] : undefined,
    details: isObject(error['details'])
      ? Object.fromEntries(Object.entries(error['details']).map(([key, value]) => [key, String(value)]))
      : {},
  });
}

function failed(how: string, cause?: unknown): CleatError {
  return new CleatError('internal', 'IMAGE_WORKER_FAILED', `the program that unpacks layers failed: ${how}`, { cause });
}
