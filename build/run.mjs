import { spawn } from 'node:child_process';

/**
 * Runs a program without a shell and gathers what it says.
 * @param {readonly string[]} argv
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, maxBytes?: number }} options
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>} `code` is 127 when it could not be started.
 */
export function run(argv, { cwd, env, maxBytes = 8 * 1024 * 1024 } = {}) {
  return new Promise((resolve) => {
    const [file = '', ...args] = argv;
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8');
      child[name].on('data', (text) => {
        // The end of a long report says what is wrong; the rest is not kept.
        chunks[name] = (chunks[name] + text).slice(-maxBytes);
      });
    }
    child.once('error', (error) => resolve({ code: 127, stdout: '', stderr: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, ...chunks }));
  });
}
