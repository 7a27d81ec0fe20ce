import { strict as assert } from 'node:assert';
import type { interceptor } from '@cleat/schemas';
import { interceptorAddress, matchesPattern, SchemaBook } from '@cleat/schemas';
import { lifeRules, type PluginUnderTest, refusal, Suite, type SuiteOptions, type SuiteTest } from './suite.ts';

/** Whoever asks waits no longer. */
const JUDGE_MS = 2_000;

/** A request to be judged, as the record that it is. */
export interface Judged {
  /** contract.operation */
  readonly operation: string;
  readonly request: unknown;
  /** "uid:0" when absent. */
  readonly principal?: string;
}

export interface InterceptorSuiteOptions extends SuiteOptions {
  readonly allowed: readonly Judged[];
  readonly denied: readonly Judged[];
}

/** What an interceptor has to do. */
export function interceptorSuite(t: SuiteTest, options: InterceptorSuiteOptions): void {
  const { manifest, allowed, denied } = options;
  const book = new SchemaBook();
  const suite = new Suite(t, options);
  lifeRules(suite, options);

  const judge = (
    { node, name }: PluginUnderTest,
    { operation, request, principal = 'uid:0' }: Judged,
  ): Promise<interceptor.JudgeResponse> => {
    const [contract = '', called = ''] = operation.split('.');
    const codec = book.anyOperation(contract, called).request;
    const asked = { operation, actor: { principal, caller: 'suite' }, request: codec.encode(request), schema: codec.fingerprint };
    return node.call(interceptorAddress(name), 'interceptor', 'judge', asked);
  };

  suite.test('it judges only what its manifest names, and the examples are of that', async () => {
    for (const { operation } of [...allowed, ...denied]) assert.ok(matchesPattern(manifest.intercepts ?? [], operation), operation);
  });
  suite.test('what shall pass is allowed, and what shall not is denied with a reason, each in time', async (plugin) => {
    for (const [examples, isAllowed] of [
      [allowed, true],
      [denied, false],
    ] as const) {
      for (const example of examples) {
        const began = performance.now();
        const { allow, reason } = await judge(plugin, example);
        assert.equal(allow, isAllowed, `${example.operation}: ${reason}`);
        assert.ok(allow || reason !== '', 'a denial says why');
        assert.ok(performance.now() - began < JUDGE_MS, 'whoever asks waits no longer than two seconds');
      }
    }
  });
  suite.test('what it cannot read it does not allow', async ({ node, name }) => {
    const [example] = [...denied, ...allowed];
    const asked = { operation: example?.operation ?? '', actor: {}, request: Buffer.alloc(5, 255), schema: 'ffffffffffffffff' };
    const answer = await node
      .call<interceptor.JudgeResponse>(interceptorAddress(name), 'interceptor', 'judge', asked)
      .catch(() => ({ allow: false }));
    assert.equal(answer.allow, false);
    assert.equal((await refusal(node.raw(interceptorAddress(name), 'judge', Buffer.alloc(3, 255)))).class, 'invalid_argument');
  });
  suite.end();
}
