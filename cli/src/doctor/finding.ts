/** missing: Cleat does not run without it. limited: it runs, and this is what does not work. */
export type Verdict = 'ok' | 'limited' | 'missing';

/** One line of "cleat doctor". */
export interface Finding {
  readonly area: 'host' | 'cgroups' | 'kernel' | 'network' | 'programs';
  readonly name: string;
  readonly verdict: Verdict;
  /** What is there. */
  readonly found: string;
  /** What follows from it. */
  readonly means: string;
}

/** What a look at the host comes down to, so that every judgement can be tried without such a host. */
export interface HostLook {
  readonly isRoot: boolean;
  readonly kernelRelease: string;
  readonly architecture: string;
  readonly nodeVersion: string;
  /** File systems of /proc/filesystems. */
  readonly fileSystems: ReadonlySet<string>;
  /** Text of a file; undefined where there is none. */
  readonly read: (path: string) => string | undefined;
  readonly exists: (path: string) => boolean;
  /** Bytes that are free where a path lies. */
  readonly freeBytes: (path: string) => number | undefined;
  /** Directories on the way to a path that others may not pass. */
  readonly closedDirectories: (path: string) => readonly string[];
  /** First line of what a program says of its version; undefined where there is no such program. */
  readonly version: (program: string, argument: string) => Promise<string | undefined>;
  /** True when nft can list its tables: program, right and kernel are there. */
  readonly nftWorks: () => Promise<boolean>;
}
