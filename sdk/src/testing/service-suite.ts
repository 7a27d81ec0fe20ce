import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { isCleatError, SchemaBook, serviceAddress } from '@cleat/schemas';
import { withPlugin } from './probe-plugin.ts';
import { eventually, lifeRules, refusal, Suite, type SuiteOptions, type SuiteTest } from './suite.ts';

export interface ServiceSuiteOptions extends SuiteOptions {
  readonly contract: string;
  /** Operations with a request that is answered, in an order in which that works. */
  readonly examples: readonly { readonly operation: string; readonly request: unknown }[];
  /** One of the examples that changes something: sent twice under one operation id it is done once. */
  readonly changing?: { readonly operation: string; readonly request: unknown };
}

/** What everybody who answers a contract has to do. */
export function serviceSuite(t: SuiteTest, options: ServiceSuiteOptions): void {
  const { contract, examples, changing } = options;
  const address = serviceAddress(contract);
  const suite = new Suite(t, options);
  lifeRules(suite, options);

  suite.test('every operation of the contract is answered, and what is no request is refused', async ({ node }) => {
    const operations = new SchemaBook().operationsOf(contract);
    assert.ok(operations.length > 0, `${contract} is a contract`);
    for (const operation of operations) {
      const { code } = await refusal(node.raw(address, operation, Buffer.alloc(3, 255)));
      assert.equal(code, 'SCHEMA_MISMATCH', operation);
    }
    assert.equal((await refusal(node.raw(address, 'explode', Buffer.alloc(0)))).code, 'OPERATION_UNKNOWN');
  });
  suite.test('the examples are answered', async ({ node }) => {
    for (const { operation, request } of examples) await node.call(address, contract, operation, request);
  });
  if (changing !== undefined) {
    suite.test('an operation that comes twice under one id is done once', async ({ node }) => {
      const operationId = randomBytes(16).toString('hex');
      const first = await node.call(address, contract, changing.operation, changing.request, { operationId });
      const second = await node.call(address, contract, changing.operation, changing.request, { operationId });
      assert.deepEqual(second, first);
    });
  }
  judgedRule(suite, options);
  suite.end();
}

/** Whoever executes an operation asks those who judge it, before it does anything. */
function judgedRule(suite: Suite, { contract, examples }: ServiceSuiteOptions): void {
  const address = serviceAddress(contract);
  suite.test('interceptors are asked before an operation is executed, and deny it by their silence', async ({ node }) => {
    const [example] = examples;
    assert.ok(example !== undefined, 'there is an example');
    const { operation, request } = example;
    const judged: string[] = [];
    let denied: unknown;
    await withPlugin(
      node,
      {
        manifest: { cleat: 1, name: 'suite-judge', version: '1.0.0', contracts: { interceptor: ['1.0'] }, intercepts: [`${contract}.*`] },
        setup: () => ({
          interceptor: {
            judge: async (asked) => {
              judged.push(asked.operation);
              return { allow: judged.length > 1, reason: 'the first is denied' };
            },
          },
        }),
      },
      async () => {
        // Word of a judge that has just come is on its way to the plugin for a moment.
        await eventually('the judge to be asked', async () => {
          const answer = await node.call(address, contract, operation, request).catch((error: unknown) => error);
          denied = judged.length > 0 ? answer : undefined;
          return judged.length > 0;
        });
        assert.ok(isCleatError(denied), 'the operation was denied');
        assert.equal(denied.class, 'permission_denied');
        assert.match(denied.message, /the first is denied/);
        await node.call(address, contract, operation, request);
        assert.deepEqual(judged, [`${contract}.${operation}`, `${contract}.${operation}`]);
      },
    );
    await node.kernel.lose('suite-judge');
    const away = await refusal(node.call(address, contract, operation, request));
    assert.equal(away.class, 'permission_denied', 'a judge that is away denies');
    assert.equal(judged.length, 2);
  });
}
