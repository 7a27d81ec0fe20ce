export { CgroupTree } from './cgroup-tree.ts';
export type { CgroupHierarchy, CgroupHost, CgroupLayout } from './layout.ts';
export { detectCgroups, hierarchiesIn, layoutOf } from './layout.ts';
export { isOomKill, loggedOomKills } from './oom-log.ts';
