import { spawn } from 'node:child_process';
import { CleatError } from '@cleat/schemas';

/** Within what an attach has. A busy machine may need many seconds for what takes milliseconds elsewhere. */
const TIME_LIMIT_MS = 45_000;
const OUTPUT_LIMIT_BYTES = 4096;

/** Runs a program to its end with `input` on its standard input; its output comes back, cut off at a few kilobytes. */
export function runCommand(command: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIME_LIMIT_MS, killSignal: 'SIGKILL' });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < OUTPUT_LIMIT_BYTES) output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (complaint.length < OUTPUT_LIMIT_BYTES) complaint += text;
    });
    // A program that ends before it has read all its input tells why by its exit code.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => {
      reject(commandError(command, error.message, error));
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output.slice(0, OUTPUT_LIMIT_BYTES));
      else reject(commandError(command, complaint.trim() === '' ? `it ended with ${signal ?? code}` : complaint.trim()));
    });
    child.stdin.end(input);
  });
}

function commandError(command: string, reason: string, cause?: unknown): CleatError {
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  return new CleatError(isMissing ? 'unimplemented' : 'internal', 'NETWORK_COMMAND_FAILED', `${command} failed: ${reason.slice(0, 500)}`, {
    hint: isMissing ? `Install ${command} on the host.` : undefined,
    cause,
  });
}
