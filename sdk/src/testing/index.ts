/** What a plugin author tests with: a node without containers, and one suite for each role that a plugin has. */
export { startBus, type TestCallOptions, TestNode, type TestNodeOptions } from './test-node.ts';
export { addressesOf, type TestPlugin } from './test-plugin.ts';
export { type TestEventDraft, TestEvents } from './test-events.ts';
export { type TestHoldings, TestKernel } from './test-kernel.ts';
export { TestLog, type TestLogLine } from './test-log.ts';
/** For tests that open a plugin's store without a node, and kill it at a record. */
export { Journal } from '@cleat/core';
