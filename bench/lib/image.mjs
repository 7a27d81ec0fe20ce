import { readFileSync, realpathSync } from 'node:fs';
import { findProgram, run } from './commands.mjs';

export const IMAGE = 'cleat-bench:1';
const APPLETS = ['sh', 'true', 'sleep', 'echo'];
const BLOCK = 512;

function header(name, { size = 0, type = '0', mode = 0o755, target = '' }) {
  const block = Buffer.alloc(BLOCK);
  const octal = (value, offset, length) => block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset);
  block.write(name, 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write('        ', 148);
  block.write(type, 156);
  block.write(target, 157, 100);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** A root file system of the host's static busybox, as a tar archive. */
function archive() {
  const busybox = readFileSync(realpathSync(findProgram('busybox')));
  const folders = ['bin/', 'etc/', 'tmp/', 'root/', 'proc/', 'sys/', 'dev/'].map((name) => header(name, { type: '5' }));
  const padding = Buffer.alloc((BLOCK - (busybox.length % BLOCK)) % BLOCK);
  const links = APPLETS.map((name) => header(`bin/${name}`, { type: '2', target: 'busybox' }));
  return Buffer.concat([...folders, header('bin/busybox', { size: busybox.length }), busybox, padding, ...links, Buffer.alloc(2 * BLOCK)]);
}

/** Gives an engine the image, and runs it once to see that it works. */
export function importImage(docker) {
  docker(['import', '-', IMAGE], { input: archive() });
  const { stdout } = docker(['run', '--rm', '--network', 'none', IMAGE, 'echo', 'ready']);
  if (stdout !== 'ready') throw new Error(`a container printed ${JSON.stringify(stdout)} instead of ready`);
}

export function dockerCommand(socketPath) {
  return (args, options = {}) => run('docker', ['-H', `unix://${socketPath}`, ...args], options);
}
