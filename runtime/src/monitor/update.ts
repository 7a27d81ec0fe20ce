import { join } from 'node:path';
import type { Deadline } from '@cleat/core/deadlines';
import type { OciLimits } from '../oci/index.ts';
import { type Runtime, runRuntime } from './runtime.ts';
import { runtimeError } from './runtime-error.ts';

export interface UpdateRequest {
  readonly id: string;
  readonly bundle: string;
  readonly runtime: Runtime;
  /** Only what changes. */
  readonly resources: Partial<OciLimits>;
  readonly deadline: Deadline;
}

/**
 * Changes the limits of a running container. By the runtime, which knows in what order the files of each cgroup layout take their values and,
 * with systemd, whom else to tell.
 */
export async function updateResources(request: UpdateRequest): Promise<void> {
  const { id, bundle, runtime, resources, deadline } = request;
  const logPath = join(bundle, 'update.log');
  const input = JSON.stringify(resources);
  const result = await runRuntime(runtime, { args: ['update', '--resources', '-', id], deadline, logPath, input });
  if (result.code !== 0) throw await runtimeError(runtime, 'update', logPath, result.output);
}
