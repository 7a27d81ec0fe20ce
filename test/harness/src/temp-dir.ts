import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from './test-context.ts';

/**
 * A new directory that is gone after the test. It refuses to delete through a mount that the test left behind:
 * a recursive delete would reach what is mounted there.
 */
export function tempDir(t: Pick<TestContext, 'teardown'>, prefix = 'cleat-test-'): string {
  const path = mkdtempSync(join(tmpdir(), prefix));
  t.teardown(() => {
    const mounts = mountPoints().filter((point) => isBelow(point, path));
    if (mounts.length > 0) throw new Error(`the test left mounts behind: ${mounts.join(', ')}`);
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** All mount points of this process, as /proc/self/mountinfo has them. */
export function mountPoints(): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => unescapeMount(line.split(' ')[4] ?? ''));
}

/** True when `path` is `folder` or lies in it. */
export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** Blanks and the like stand as octal escapes in the mount tables. */
function unescapeMount(text: string): string {
  return text.replaceAll(/\\(\d{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
