import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { now } from './statistics.mjs';

const LIMIT_MS = 120_000;

/** The path of a program, or undefined. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
}

/** Runs a program to its end and measures the whole of it, its start included. Throws when it fails. */
export function run(program, args, options = {}) {
  const begun = now();
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    env: { ...process.env, ...options.env },
    input: options.input,
    timeout: LIMIT_MS,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  const ms = now() - begun;
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status ?? signal}: ${(stderr || stdout).trim().slice(-300)}`);
  return { ms, stdout: stdout.trim() };
}

/** Starts a program in a session of its own, in a network and, if asked, mount namespace, and counts its CPU time in a cgroup. */
export function runApart(script, options) {
  const { args = [], netns, cgroup, env, output = 'ignore' } = options;
  const enter = cgroup === undefined ? '' : `echo $$ > ${cgroup}/cgroup.procs; `;
  const inner = ['sh', '-c', `${enter}${script}`, 'sh', ...args];
  const outer = options.ownMounts ? ['unshare', '--mount', '--', ...inner] : inner;
  return spawn('nsenter', [`--net=${netns}`, '--', ...outer], {
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
  });
}
