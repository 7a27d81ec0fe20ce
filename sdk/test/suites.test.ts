import { fileURLToPath } from 'node:url';
import t from 'tap';
import { providerSuite, type SuiteTest, serviceSuite } from '../src/testing/index.ts';
import { FORGETFUL, VOLUMES } from './suite-plugins.ts';

const PROGRAM = fileURLToPath(new URL('./suite-plugins.js', import.meta.url));

t.test('a service that keeps the rules passes its suite', async (t) => {
  serviceSuite(t, {
    manifest: VOLUMES,
    command: [process.execPath, PROGRAM],
    env: { SUITE_PLUGIN: 'volumes' },
    contract: 'volume',
    examples: [
      { operation: 'create', request: { name: 'data' } },
      { operation: 'inspect', request: { name: 'data' } },
    ],
    changing: { operation: 'create', request: { name: '' } },
  });
});

/** Runs the tests of a suite one after another, and keeps which failed. */
class Recorder implements SuiteTest {
  readonly failed: string[] = [];
  readonly passed: string[] = [];
  #last: Promise<void> = Promise.resolve();

  test(name: string, body: () => Promise<void>): void {
    this.#last = this.#last.then(() =>
      body().then(
        () => void this.passed.push(name),
        () => void this.failed.push(name),
      ),
    );
  }

  done(): Promise<void> {
    return this.#last;
  }
}

t.test('a provider that breaks rules fails exactly the tests of these', async (t) => {
  const recorder = new Recorder();
  providerSuite(recorder, {
    manifest: FORGETFUL,
    command: [process.execPath, PROGRAM],
    env: { SUITE_PLUGIN: 'forgetful' },
    target: 'fake',
    options: '{}',
    refused: '{"never":true}',
  });
  await recorder.done();
  t.same(recorder.failed, [
    'options that cannot work are refused, and leave nothing',
    'what it holds outlives SIGKILL, and what it is not told of is dropped',
    'attach gives its contribution, twice the same, within its grant; detach takes it back',
    'a use outlives SIGKILL, and ends with a detach of the next process',
  ]);
  t.equal(recorder.passed.length, 13);
});
