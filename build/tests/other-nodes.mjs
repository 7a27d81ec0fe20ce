import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../run.mjs';

/** The versions of Node that Cleat runs on. */
const SUPPORTED_MAJORS = [20, 22, 24];

/**
 * The supported versions of Node other than this one, fetched from npm once and kept below node_modules/.cache.
 * @param {string} root
 * @returns {Promise<{ version: string, node: string }[]>}
 */
export async function otherNodes(root) {
  const own = Number(process.versions.node.split('.')[0]);
  const nodes = [];
  for (const major of SUPPORTED_MAJORS.filter((supported) => supported !== own)) {
    const node = await fetchNode(root, major);
    const { stdout } = await run([node, '--version']);
    nodes.push({ version: stdout.trim(), node });
  }
  return nodes;
}

async function fetchNode(root, major) {
  const name = `node-linux-${process.arch}`;
  const folder = join(root, 'node_modules', '.cache', 'cleat-nodes', String(major));
  const node = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const argv = ['npm', 'install', '--prefix', folder, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { code, stderr } = await run([...argv, `${name}@${major}`]);
  if (code !== 0 || !existsSync(node)) throw new Error(`npm could not bring Node ${major}:\n${stderr}`);
  return node;
}
