import type { Finding, HostLook } from './finding.ts';
import { isAtLeast, versionIn } from './versions.ts';

interface Program {
  readonly name: string;
  readonly argument: string;
  /** Package of Debian. */
  readonly debian: string;
  readonly least: readonly number[];
  /** What it does here. */
  readonly does: string;
  /** Whether Cleat runs without it, and what of Cleat does not. */
  readonly need: { readonly type: 'must' } | { readonly type: 'part'; readonly without: string } | { readonly type: 'none' };
  /** More to say about a version that will do. */
  readonly remark?: (version: readonly number[]) => string | undefined;
}

const PROGRAMS: readonly Program[] = [
  { name: 'runc', argument: '--version', debian: 'runc', least: [1, 1], does: 'runs containers', need: { type: 'must' } },
  {
    name: 'conmon',
    argument: '--version',
    debian: 'conmon',
    least: [2, 1],
    does: 'stays with each container while Cleat restarts',
    need: { type: 'must' },
  },
  {
    name: 'nats-server',
    argument: '--version',
    debian: 'nats-server',
    least: [2, 9],
    does: 'carries calls and events',
    need: { type: 'must' },
    remark: (version) => (isAtLeast(version, [2, 10, 27]) ? undefined : 'enough for one node; several nodes together need 2.10.27'),
  },
  {
    name: 'nft',
    argument: '--version',
    debian: 'nftables',
    least: [1, 0],
    does: 'address translation of networks',
    need: { type: 'part', without: 'bridge networks and published ports' },
  },
  { name: 'ip', argument: '-V', debian: 'iproute2', least: [0, 0], does: 'looking at networks by hand', need: { type: 'none' } },
  {
    name: 'docker',
    argument: '--version',
    debian: 'docker-cli',
    least: [0, 0],
    does: "Docker's own command line, which works with Cleat",
    need: { type: 'none' },
  },
];

const NODE_LEAST = [20, 15];

/** Programs that Cleat starts, and the one that it runs in. */
export async function programFindings(look: HostLook): Promise<readonly Finding[]> {
  return [nodeFinding(look), ...(await Promise.all(PROGRAMS.map((program) => programFinding(look, program))))];
}

function nodeFinding(look: HostLook): Finding {
  const isNew = isAtLeast(versionIn(look.nodeVersion) ?? [], NODE_LEAST);
  const means = isNew ? 'runs Cleat; from 22 on commands start in half the time' : `Cleat needs ${NODE_LEAST.join('.')}`;
  return { area: 'programs', name: 'node', verdict: isNew ? 'ok' : 'missing', found: look.nodeVersion, means };
}

async function programFinding(look: HostLook, program: Program): Promise<Finding> {
  const { name, argument, debian, least, does, remark } = program;
  const base = { area: 'programs', name } as const;
  const text = await look.version(name, argument);
  if (text === undefined) return { ...base, found: 'not installed', ...lacking(program, `apt-get install ${debian}`) };
  const version = versionIn(text) ?? [];
  const found = version.length === 0 ? text.trim() : version.join('.');
  if (version.length > 0 && !isAtLeast(version, least)) {
    return { ...base, found, ...lacking(program, `too old, ${least.join('.')} is needed to be sure`) };
  }
  const more = remark?.(version);
  return { ...base, verdict: 'ok', found, means: more === undefined ? does : `${does}; ${more}` };
}

function lacking({ need, does }: Program, cure: string): Pick<Finding, 'verdict' | 'means'> {
  switch (need.type) {
    case 'must':
      return { verdict: 'missing', means: `Cleat does not run without: ${cure}` };
    case 'part':
      return { verdict: 'limited', means: `there are no ${need.without}: ${cure}` };
    case 'none':
      return { verdict: 'ok', means: `Cleat does not need it; ${does} (${cure})` };
  }
}
