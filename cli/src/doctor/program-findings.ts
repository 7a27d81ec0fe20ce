import type { Finding, HostLook, Verdict } from './finding.ts';
import { isAtLeast, versionIn } from './versions.ts';

interface Program {
  readonly name: string;
  readonly argument: string;
  /** Package of Debian. */
  readonly debian: string;
  readonly least: readonly number[];
  /** What it does here. */
  readonly does: string;
  /** What does not work without it; absent: nothing does. */
  readonly without?: string;
  /** More to say about a version that will do. */
  readonly remark?: (version: readonly number[]) => string | undefined;
}

const PROGRAMS: readonly Program[] = [
  { name: 'runc', argument: '--version', debian: 'runc', least: [1, 1], does: 'runs containers' },
  {
    name: 'conmon',
    argument: '--version',
    debian: 'conmon',
    least: [2, 1],
    does: 'stays with each container while Cleat restarts',
  },
  {
    name: 'nats-server',
    argument: '--version',
    debian: 'nats-server',
    least: [2, 9],
    does: 'carries calls and events',
    remark: (version) =>
      isAtLeast(version, [2, 10, 27]) ? undefined : 'enough for one node; several nodes together need 2.10.27',
  },
  {
    name: 'nft',
    argument: '--version',
    debian: 'nftables',
    least: [1, 0],
    does: 'address translation of networks',
    without: 'bridge networks and published ports',
  },
  {
    name: 'ip',
    argument: '-V',
    debian: 'iproute2',
    least: [0, 0],
    does: 'looking at networks by hand',
    without: 'the steps of "bin/quickstart" that show a network',
  },
  {
    name: 'docker',
    argument: '--version',
    debian: 'docker-cli',
    least: [0, 0],
    does: "Docker's own command line, which works with Cleat",
    without: 'nothing of Cleat: it is one of its clients',
  },
];

const NODE_LEAST = [20, 15];

/** Programs that Cleat starts, and the one that it runs in. */
export async function programFindings(look: HostLook): Promise<readonly Finding[]> {
  return [nodeFinding(look), ...(await Promise.all(PROGRAMS.map((program) => programFinding(look, program))))];
}

function nodeFinding(look: HostLook): Finding {
  const isNew = isAtLeast(versionIn(look.nodeVersion) ?? [], NODE_LEAST);
  const means = isNew
    ? 'runs Cleat; from 22 on commands start in half the time'
    : `Cleat needs ${NODE_LEAST.join('.')}`;
  return { area: 'programs', name: 'node', verdict: isNew ? 'ok' : 'missing', found: look.nodeVersion, means };
}

async function programFinding(look: HostLook, program: Program): Promise<Finding> {
  const { name, argument, debian, least, does, without, remark } = program;
  const base = { area: 'programs', name } as const;
  const lacking: Verdict = without === undefined ? 'missing' : 'limited';
  const text = await look.version(name, argument);
  if (text === undefined) {
    const isOptional = without?.startsWith('nothing') === true;
    const means =
      without === undefined
        ? `Cleat does not run without: apt-get install ${debian}`
        : isOptional
          ? `${does} (apt-get install ${debian})`
          : `without it there are no ${without}: apt-get install ${debian}`;
    return { ...base, verdict: isOptional ? 'ok' : lacking, found: 'not installed', means };
  }
  const version = versionIn(text) ?? [];
  const found = version.length === 0 ? text.trim() : version.join('.');
  if (version.length > 0 && !isAtLeast(version, least))
    return { ...base, verdict: lacking, found, means: `too old: ${least.join('.')} is needed to be sure` };
  const more = remark?.(version);
  return { ...base, verdict: 'ok', found, means: more === undefined ? does : `${does}; ${more}` };
}
