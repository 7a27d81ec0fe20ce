import { closeSync, mkdirSync, openSync } from 'node:fs';
import { toCleatError } from '@cleat/schemas';
import { syncFileSystem } from '@cleat/sdk/filesystem';
import { storageError } from './errno.ts';
import { copyTree } from './tree-copy.ts';
import { unpackLayer } from './unpack.ts';
import { type CopyResult, isJob, type Job, type UnpackResult } from './unpack-job.ts';

/*
 * The program that unpacks and copies, one process a job: its work is thousands of short system calls, which would
 * hold up every plugin in the process, and its memory goes back to the host when it ends.
 * In: the job as one line on stdin. Out: the result as one line. The end of stdin is the end of its parent: it stops.
 */
async function run(job: Job): Promise<UnpackResult | CopyResult> {
  mkdirSync(job.target, { recursive: true, mode: 0o755 });
  const result = job.kind === 'unpack' ? await unpackLayer(job) : await copyTree(job);
  const fd = openSync(job.target, 'r');
  try {
    syncFileSystem(fd);
  } finally {
    closeSync(fd);
  }
  return result;
}

async function serve(line: string): Promise<void> {
  try {
    const job: unknown = JSON.parse(line);
    if (!isJob(job)) throw new Error('the job cannot be read');
    const result = await run(job);
    process.stdout.write(`${JSON.stringify({ result })}\n`, () => process.exit(0));
  } catch (thrown) {
    const error = toCleatError(storageError(thrown, 'unpacking a layer'), 'IMAGE_WORKER_FAILED');
    const { class: errorClass, code, message, hint, details } = error;
    process.stdout.write(`${JSON.stringify({ error: { class: errorClass, code, message, hint, details } })}\n`, () => process.exit(1));
  }
}

// Modes are exactly those that the layer names.
process.umask(0);
let input = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text: string) => {
  const wasWhole = input.includes('\n');
  input += text;
  const end = input.indexOf('\n');
  if (!wasWhole && end >= 0) void serve(input.slice(0, end));
});
// Not process.exit: that waits for threads of the pool, and one may be held by a file that does not answer.
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
