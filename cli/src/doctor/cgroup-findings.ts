import type { Finding, HostLook } from './finding.ts';
import { isAtLeast, versionIn } from './versions.ts';

const ROOT = '/sys/fs/cgroup';
/** Controllers, by the limit that needs each. */
const LIMITS: ReadonlyMap<string, string> = new Map([
  ['memory', '--memory'],
  ['cpu', '--cpus'],
  ['cpuset', '--cpuset-cpus'],
  ['pids', '--pids-limit'],
]);

export type CgroupLayout = 'unified' | 'hybrid' | 'v1' | 'none';

/** v2 alone, v2 beside v1, or v1 alone (cgroups(7)). */
export function cgroupLayout(look: Pick<HostLook, 'exists'>): CgroupLayout {
  if (look.exists(`${ROOT}/cgroup.controllers`)) return 'unified';
  if (look.exists(`${ROOT}/unified/cgroup.controllers`)) return 'hybrid';
  return look.exists(`${ROOT}/memory`) || look.exists(`${ROOT}/pids`) ? 'v1' : 'none';
}

export async function cgroupFindings(look: HostLook): Promise<readonly Finding[]> {
  const layout = cgroupLayout(look);
  return [layoutFinding(layout), controllersFinding(look, layout), await crunFinding(look, layout)];
}

function layoutFinding(layout: CgroupLayout): Finding {
  const base = { area: 'cgroups', name: 'layout' } as const;
  switch (layout) {
    case 'unified':
      return { ...base, verdict: 'ok', found: 'cgroup v2', means: 'all limits work, and containers see only their own cgroup' };
    case 'hybrid':
      return {
        ...base,
        verdict: 'ok',
        found: 'cgroup v1, with an empty v2 beside it',
        means: 'all limits work; containers see the cgroups of the host',
      };
    case 'v1':
      return { ...base, verdict: 'ok', found: 'cgroup v1', means: 'all limits work; containers see the cgroups of the host' };
    case 'none':
      return { ...base, verdict: 'missing', found: 'nothing at /sys/fs/cgroup', means: 'no container can run: mount cgroups there' };
  }
}

function controllersFinding(look: HostLook, layout: CgroupLayout): Finding {
  const listed = new Set((look.read(`${ROOT}/cgroup.controllers`) ?? '').split(/\s+/));
  const has = (controller: string): boolean => (layout === 'unified' ? listed.has(controller) : look.exists(`${ROOT}/${controller}`));
  const absent = [...LIMITS].filter(([controller]) => !has(controller));
  const base = { area: 'cgroups', name: 'controllers' } as const;
  if (absent.length === 0)
    return { ...base, verdict: 'ok', found: [...LIMITS.keys()].join(', '), means: `${[...LIMITS.values()].join(', ')} hold` };
  return {
    ...base,
    verdict: 'limited',
    found: `without ${absent.map(([controller]) => controller).join(', ')}`,
    means: `${absent.map(([, flag]) => flag).join(', ')} cannot be enforced`,
  };
}

/** crun is a choice; which of its versions runs here depends on the cgroups. */
async function crunFinding(look: HostLook, layout: CgroupLayout): Promise<Finding> {
  const base = { area: 'cgroups', name: 'crun' } as const;
  const text = await look.version('crun', '--version');
  if (text === undefined)
    return {
      ...base,
      verdict: 'ok',
      found: 'not installed',
      means: 'runc runs the containers; with crun (apt-get install crun) they start faster',
    };
  const version = versionIn(text) ?? [0, 0, 0];
  const found = version.join('.');
  if (layout === 'hybrid')
    return {
      ...base,
      verdict: 'limited',
      found,
      means: 'crun refuses this mix of cgroup v1 and v2: use runc, or boot with cgroup v2 alone',
    };
  if (!isAtLeast(version, [1, 8]))
    return { ...base, verdict: 'limited', found, means: 'older than any that was tried; 1.8 is known to work' };
  return { ...base, verdict: 'ok', found, means: 'works here: cleat run --runtime crun, or defaultRuntime: crun in the configuration' };
}
