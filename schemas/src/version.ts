/** Orders "1.2" and "1.10" as versions: negative when left is the lower one. */
export function compareVersions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number);
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number);
  return leftMajor - rightMajor || leftMinor - rightMinor;
}

/** The highest version that both lists hold; undefined when there is none. */
export function highestCommon(ours: readonly string[], theirs: readonly string[]): string | undefined {
  return ours
    .filter((version) => theirs.includes(version))
    .sort(compareVersions)
    .at(-1);
}
