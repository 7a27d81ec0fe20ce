/** The part of tap's test object that the harness uses, so that it needs no test runner to compile. */
export interface TestContext {
  plan(count: number, comment?: string): void;
  teardown(action: () => unknown): void;
  comment(...values: unknown[]): void;
  fail(message: string, extra: Record<string, unknown>): boolean;
  pass(message: string): boolean;
}
