import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { needs, type RunningProcess, startProcess, waitFor } from '@cleat/harness';
import t from 'tap';
import { CgroupTree, detectCgroups, hierarchiesIn, isOomKill, layoutOf, loggedOomKills } from '../src/cgroup/index.ts';
import { commandLine, parseMountInfo } from '../src/syscalls/index.ts';

interface Teardown {
  teardown(undo: () => unknown): void;
}

const host = detectCgroups();
const unified = host.hierarchies.filter(({ isV2 }) => isV2);
let made = 0;

/** This host's own layout, and beside a hybrid's v1 hierarchies its v2 tree alone, which works like that of a unified host. */
const trees: [string, () => CgroupTree][] = [[host.layout, () => new CgroupTree(host)]];
if (host.layout === 'hybrid') {
  trees.push(['v2 tree', () => new CgroupTree({ ...host, layout: 'unified', hierarchies: unified })]);
}

function cgroup(t: Teardown, tree: CgroupTree): string {
  made += 1;
  const parent = `/cleat-test-${process.pid}-${made}`;
  t.teardown(async () => {
    await tree.killAll(parent, 5000);
    await tree.remove(parent);
  });
  return `${parent}/box`;
}

/** A shell that has put itself, and so all that it starts, into the cgroup before it runs the script. */
function insider(t: Teardown, tree: CgroupTree, path: string, script: string): RunningProcess {
  const enter = 'for directory do echo $$ > "$directory/cgroup.procs" || exit 1; done';
  return startProcess(t, ['sh', '-c', `${enter}; ${script}`, 'sh', ...new Set(tree.paths(path).values())]);
}

/** How long a process has written nothing, in ms, as seen by whoever asks again and again. */
function silenceOf(child: RunningProcess): () => number {
  let length = child.output().length;
  let since = performance.now();
  return () => {
    if (child.output().length !== length) since = performance.now();
    length = child.output().length;
    return performance.now() - since;
  };
}

async function sleeper(t: Teardown): Promise<RunningProcess> {
  const child = startProcess(t, ['sleep', '60']);
  await waitFor('sleep', () => commandLine(child.pid)?.[0] === 'sleep');
  return child;
}

for (const [name, makeTree] of trees) {
  t.test(`${name}: a cgroup is made in every hierarchy, holds processes and is removed from all`, async (t) => {
    if (!needs(t, 'root')) return;
    const tree = makeTree();
    const path = cgroup(t, tree);
    t.equal(tree.exists(path), false);
    t.strictSame(tree.processes(path), []);
    tree.create(path);
    tree.create(path);
    const directories = [...tree.paths(path).values()];
    t.ok(directories.length > 0 && directories.every((directory) => existsSync(directory)));
    const child = await sleeper(t);
    tree.addProcess(path, child.pid);
    t.match(readFileSync(`/proc/${child.pid}/cgroup`, 'utf8'), new RegExp(`:${path}$`, 'm'));
    t.strictSame(tree.processes(path), [child.pid]);
    t.strictSame(tree.processes(path.replace('/box', '')), [child.pid], 'also seen from above');
    await t.rejects(tree.remove(path), { code: 'CGROUP_BUSY' });
    await tree.killAll(path, 5000);
    t.match(await child.waitForExit(), { signal: 'SIGKILL' });
    await tree.remove(path);
    await tree.remove(path);
    t.notOk(directories.some((directory) => existsSync(directory)));
    await tree.killAll(path, 1000);
    t.throws(
      () => {
        tree.addProcess(path, process.pid);
      },
      { code: 'SYSCALL_ENOENT' },
    );
  });

  t.test(`${name}: a frozen process stands still, and is killed all the same`, async (t) => {
    if (!needs(t, 'root')) return;
    const tree = makeTree();
    const path = cgroup(t, tree);
    tree.create(path);
    t.equal(tree.isFrozen(path), false);
    const child = insider(t, tree, path, 'while sleep 0.01; do echo tick; done');
    await child.waitForOutput(/tick/);
    await tree.freeze(path);
    t.equal(tree.isFrozen(path), true);
    const silence = silenceOf(child);
    await waitFor('a tenth of a second without a tick', () => silence() > 100);
    const seen = child.output();
    await tree.thaw(path);
    t.equal(tree.isFrozen(path), false);
    await waitFor('ticks after the thaw', () => child.output().length > seen.length);
    await tree.freeze(path);
    await tree.killAll(path, 5000);
    t.match(await child.waitForExit(), { signal: 'SIGKILL' });
  });

  t.test(`${name}: processes that fork all the time are all ended`, async (t) => {
    if (!needs(t, 'root')) return;
    const tree = makeTree();
    const path = cgroup(t, tree);
    tree.create(`${path}/below`);
    const script = 'while :; do sleep 60 & n=$((n+1)); [ $n -lt 100 ] || wait $!; done';
    const child = insider(t, tree, `${path}/below`, script);
    await waitFor('a crowd', () => tree.processes(path).length > 20);
    await tree.killAll(path, 5000);
    t.strictSame(tree.processes(path), []);
    t.match(await child.waitForExit(), { signal: 'SIGKILL' });
  });

  t.test(`${name}: only a path below the root is taken`, async (t) => {
    const tree = makeTree();
    for (const path of ['/', '', 'a', '/a/../..', '/a//b', '/a/']) {
      await t.rejects(tree.killAll(path, 10), { code: 'CGROUP_PATH_INVALID' }, path);
      t.throws(() => tree.paths(path), { code: 'CGROUP_PATH_INVALID' }, path);
    }
  });

  t.test(`${name}: a cgroup that is not there has no freezer and no count`, async (t) => {
    const tree = makeTree();
    await t.rejects(tree.freeze('/cleat-test-none'), { code: 'CGROUP_NOT_FOUND' });
    t.equal(tree.isFrozen('/cleat-test-none'), false);
    t.equal(tree.oomKillCount('/cleat-test-none'), undefined);
  });
}

t.test('controllers are handed down, and a killing for want of memory is counted', async (t) => {
  if (!needs(t, 'root')) return;
  const tree = new CgroupTree(host);
  const path = cgroup(t, tree);
  tree.create(path);
  t.equal(tree.oomKillCount(path), 0);
  const paths = tree.paths(path);
  const directory = paths.get('memory') ?? paths.get('unified') ?? '';
  const file = host.layout === 'unified' ? 'memory.max' : 'memory.limit_in_bytes';
  writeFileSync(`${directory}/${file}`, String(8 << 20));
  if (existsSync(`${directory}/memory.swap.max`)) writeFileSync(`${directory}/memory.swap.max`, '0');
  const child = insider(t, tree, path, 'exec tail /dev/zero');
  t.match(await child.waitForExit(), { signal: 'SIGKILL' });
  t.equal(tree.oomKillCount(path), 1);
  await tree.remove(path);
  t.equal(tree.oomKillCount(path), undefined);
  t.equal(loggedOomKills(path, 60), 1, 'the log of Linux knows it when the cgroup is gone');
  t.equal(loggedOomKills(path, 0), 0, 'not one of a run before');
  t.equal(loggedOomKills(path.slice(0, -1), 60), 0, 'not one of a cgroup whose name begins alike');
});

t.test('the record of a killing for want of memory is known by time and path', async (t) => {
  const record =
    '6,4711,1500,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,oom_memcg=/a,task_memcg=/a/b,task=tail,pid=7,uid=0';
  t.ok(isOomKill(record, '/a/b', 1_500_000n));
  t.notOk(isOomKill(record, '/a/b', 1_500_001n));
  t.notOk(isOomKill(record, '/a', 0n), 'whose limit it was does not count');
  t.notOk(isOomKill('12,4711,1500,-;a user wrote: oom-kill:,task_memcg=/a/b,task=', '/a/b', 0n));
});

t.test('the layout is read from the mount table', async (t) => {
  const v2 = '25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';
  t.strictSame(hierarchiesIn(parseMountInfo(v2)), [{ names: ['unified'], mountPoint: '/sys/fs/cgroup', isV2: true }]);
  t.equal(layoutOf(hierarchiesIn(parseMountInfo(v2))), 'unified');
  const v1 =
    '30 25 0:26 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/lib/x,name=systemd\n' +
    '31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n' +
    '32 25 0:27 / /mnt/again rw - cgroup cgroup rw,cpu,cpuacct\n';
  t.strictSame(hierarchiesIn(parseMountInfo(v1)), [
    { names: ['systemd'], mountPoint: '/sys/fs/cgroup/systemd', isV2: false },
    { names: ['cpu', 'cpuacct'], mountPoint: '/sys/fs/cgroup/cpu,cpuacct', isV2: false },
  ]);
  t.equal(layoutOf(hierarchiesIn(parseMountInfo(v1))), 'v1');
  t.equal(layoutOf(hierarchiesIn(parseMountInfo(v1 + v2))), 'hybrid');
});
