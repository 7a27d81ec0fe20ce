import { compareSnapshots, type HostSnapshot, hostSnapshot, type SnapshotScope } from './host-snapshot.ts';
import type { TestContext } from './test-context.ts';
import { waitFor } from './wait-for.ts';

/** Links and cgroups go a moment after the call that removes them has returned. */
const SETTLE_MS = 3_000;

export interface LeakCheck {
  /** What is different from the beginning, once it has settled. Empty when nothing leaked. */
  differences(): Promise<readonly string[]>;
  /** Fails the test with what leaked; passes with one assertion otherwise. Call it last in the test. */
  assertNothingLeft(): Promise<void>;
}

/** Takes a snapshot of what the scope names, to compare at the end of the test. */
export function leakCheck(t: Pick<TestContext, 'pass' | 'fail'>, scope: SnapshotScope): LeakCheck {
  const before = hostSnapshot(scope);
  const differences = (): Promise<readonly string[]> => settledDifferences(before, scope);
  return {
    differences,
    assertNothingLeft: async () => {
      const left = await differences();
      if (left.length === 0) t.pass('nothing is left behind');
      else t.fail('the test left something behind', { left });
    },
  };
}

async function settledDifferences(before: HostSnapshot, scope: SnapshotScope): Promise<readonly string[]> {
  let left: readonly string[] = [];
  const isClean = (): boolean => {
    left = compareSnapshots(before, hostSnapshot(scope));
    return left.length === 0;
  };
  try {
    await waitFor('nothing left behind', isClean, { timeoutMs: SETTLE_MS });
  } catch {
    // The deadline passed: what is left now is the answer.
  }
  return left;
}
