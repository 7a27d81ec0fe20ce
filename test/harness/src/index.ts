export { type ImageOptions, makeBusyboxRootfs, makeImportTar, makeLoadTar } from './busybox-image.ts';
export { type Capability, findProgram, hasCapability, needs } from './capabilities.ts';
export { freePort } from './free-port.ts';
export { compareSnapshots, type HostSnapshot, hostSnapshot, type SnapshotScope } from './host-snapshot.ts';
export { type LeakCheck, leakCheck } from './leak-check.ts';
export {
  childEnv,
  type ProcessOptions,
  type RunningProcess,
  type RunOptions,
  type RunResult,
  runProcess,
  startProcess,
} from './processes.ts';
export { isBelow, mountPoints, tempDir } from './temp-dir.ts';
export type { TestContext } from './test-context.ts';
export { type TestNetwork, testNetwork } from './test-network.ts';
export { slowFactor, type WaitOptions, waitFor } from './wait-for.ts';
