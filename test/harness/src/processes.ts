import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { TestContext } from './test-context.ts';
import { slowFactor, waitFor } from './wait-for.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT_CHARS = 1024 * 1024;

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to the environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface RunOptions extends ProcessOptions {
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
  /** Exit codes other than 0 that are no failure of the test: they are returned instead of thrown. */
  readonly allowExit?: 'any' | readonly number[];
}

export interface RunResult {
  /** 128 plus the signal's number where a signal ended it, as a shell has it. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs beside the test. It is killed, and waited for, when the test ends. */
export interface RunningProcess {
  readonly pid: number;
  /** What it has written so far to both streams, the last mebibyte of it. */
  output(): string;
  isRunning(): boolean;
  signal(name: NodeJS.Signals): void;
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  waitForExit(timeoutMs?: number): Promise<Pick<RunResult, 'code' | 'signal'>>;
}

/**
 * The environment for a child of a test: this one's, without what tap adds to load itself into every Node process,
 * which would cost the child memory and time and write reports from a process that the test kills.
 */
export function childEnv(extra: ProcessOptions['env'] = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (name === 'NODE_OPTIONS' || name === 'TAP' || name.startsWith('TAP_') || name.startsWith('_TAPJS_')) continue;
    env[name] = value;
  }
  for (const [name, value] of Object.entries(extra)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  return env;
}

/** Runs a program to its end and returns what it wrote; throws with its output when it fails or takes too long. */
export async function runProcess(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = spawnPiped(argv, options);
  const stdout = collect(child, 'stdout');
  const stderr = collect(child, 'stderr');
  // A program may end without reading its input; that is its own affair.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input ?? '');
  const timeoutMs = (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) * slowFactor();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
    // A grandchild that has the pipes keeps them open; nobody waits for it.
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, timeoutMs);
  const { code, signal } = await closed(child, argv).finally(() => {
    clearTimeout(timer);
  });
  const result: RunResult = { code, signal, stdout: stdout.text, stderr: stderr.text };
  if (isLate) throw new Error(`${argv.join(' ')} did not end within ${timeoutMs} ms\n${result.stderr}`);
  const allowed = options.allowExit ?? [];
  if (code !== 0 && allowed !== 'any' && !allowed.includes(code)) {
    throw new Error(`${argv.join(' ')} ended with ${code}\n${result.stdout}${result.stderr}`);
  }
  return result;
}

/** Starts a program that the test ends by its pid, at the latest when the test is over. */
export function startProcess(t: Pick<TestContext, 'teardown'>, argv: readonly string[], options: ProcessOptions = {}): RunningProcess {
  const child = spawnPiped(argv, options);
  child.stdin?.end();
  const written = collect(child, 'stdout', 'stderr');
  const ended = closed(child, argv);
  // Whoever waits for the end gets the error; without one waiting, it must not end the test file.
  ended.catch(() => undefined);
  let isRunning = child.pid !== undefined;
  const noteEnd = (): void => {
    isRunning = false;
  };
  child.once('exit', noteEnd);
  t.teardown(async () => {
    if (isRunning) child.kill('SIGKILL');
    await ended.catch(() => undefined);
  });
  const name = argv.join(' ');
  return {
    pid: child.pid ?? -1,
    output: () => written.text,
    isRunning: () => isRunning,
    signal: (signal) => {
      child.kill(signal);
    },
    waitForOutput: (pattern, timeoutMs) =>
      waitFor(
        `${String(pattern)} from ${name}`,
        () => {
          const match = pattern.exec(written.text);
          if (match === null && !isRunning) throw new Error(`it ended:\n${written.text}`);
          return match ?? undefined;
        },
        timeoutMs === undefined ? {} : { timeoutMs },
      ),
    waitForExit: async (timeoutMs) => {
      await waitFor(`the end of ${name}`, () => !isRunning, timeoutMs === undefined ? {} : { timeoutMs });
      return ended;
    },
  };
}

function spawnPiped(argv: readonly string[], options: ProcessOptions): ChildProcess {
  const [file, ...args] = argv;
  if (file === undefined) throw new Error('there is no program to run');
  return spawn(file, args, { cwd: options.cwd, env: childEnv(options.env), stdio: 'pipe' });
}

function collect(child: ChildProcess, ...names: readonly ('stdout' | 'stderr')[]): { text: string } {
  const collected = { text: '' };
  for (const name of names) {
    child[name]?.setEncoding('utf8');
    child[name]?.on('data', (chunk: string) => {
      collected.text = (collected.text + chunk).slice(-OUTPUT_LIMIT_CHARS);
    });
  }
  return collected;
}

function closed(child: ChildProcess, argv: readonly string[]): Promise<Pick<RunResult, 'code' | 'signal'>> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new Error(`${argv.join(' ')} could not be started`, { cause }));
    });
    child.once('close', (code, signal) => {
      resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), signal });
    });
  });
}
