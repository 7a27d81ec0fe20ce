import { CleatError } from './errors.ts';
import type { Hello } from './manifest.ts';

/** The refusal of a hello: both lists of versions, and what to upgrade. */
export function incompatible(
  hello: Hello,
  contract: string,
  versions: { readonly ours: readonly string[]; readonly theirs: readonly string[]; readonly kernel: string },
): CleatError {
  const { ours, theirs, kernel } = versions;
  const isPluginNewer =
    Number(theirs.at(-1)?.split('.')[0] ?? 0) > Number(ours.at(-1)?.split('.')[0] ?? 0) ||
    ours.every((version) => !theirs.includes(version) && version < (theirs[0] ?? ''));
  const cure = isPluginNewer
    ? `upgrade Cleat to a version that speaks ${contract} ${theirs.join(' or ')}`
    : `upgrade the plugin to a version that speaks ${contract} ${ours.join(' or ')}`;
  const message = `plugin ${hello.name} ${hello.version} speaks ${contract} ${theirs.join(', ') || 'in no version'}, Cleat ${kernel} speaks ${ours.join(', ')}: ${cure}`;
  return new CleatError('conflict', 'INCOMPATIBLE', message, {
    plugin: hello.name,
    hint: `${cure.charAt(0).toUpperCase()}${cure.slice(1)}.`,
  });
}
