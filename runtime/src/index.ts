export { copyTree, emptyDirectory, makeHostFiles, openTarget } from './fill.ts';
export { type HostFilePaths, hostsText, resolvText, writeHostFiles } from './host-files.ts';
export { instanceIdOf, ownCgroupParent, prepareRunDirectory } from './instance.ts';
export {
  countLines,
  type LogSegment,
  listSegments,
  sealSegment,
  segmentPath,
  sizeOf,
  spaceOf,
  spaceTaken,
} from './log-segments.ts';
export { findRuntimes } from './monitor/index.ts';
export { findProgram, type HostFacts } from './oci/index.ts';
export { mountRoot, unmountRoot } from './root-mount.ts';
export { RuntimeHost, type RuntimeHostOptions } from './runtime-host.ts';
export type {
  BundleInput,
  CleanRun,
  ExecCommand,
  ExecStart,
  LaunchedExec,
  NamespacePaths,
  ProcessStart,
  RunEnd,
  RuntimePort,
  StartedProcess,
  WatchedRun,
} from './runtime-port.ts';
export { parseSignal } from './signals.ts';
