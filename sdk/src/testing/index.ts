/** What a plugin author tests with: a node without containers, and one suite for each role that a plugin has. */
export { Journal } from '@cleat/core';
export { type InterceptorSuiteOptions, interceptorSuite, type Judged } from './interceptor-suite.ts';
export { openNetworkNamespace, type TestNetworkNamespace } from './network-namespace.ts';
export { type ObserverSuiteOptions, observerSuite } from './observer-suite.ts';
export { withPlugin } from './probe-plugin.ts';
export { type ProviderSuiteOptions, providerSuite } from './provider-suite.ts';
export { type ServiceSuiteOptions, serviceSuite } from './service-suite.ts';
export {
  eventually,
  lifeRules,
  lifeSuite,
  PluginUnderTest,
  refusal,
  Suite,
  type SuiteOptions,
  type SuiteTest,
} from './suite.ts';
export { type TestEventDraft, TestEvents, type TestEventsOptions } from './test-events.ts';
export { type TestHoldings, TestKernel, type TestKernelOptions } from './test-kernel.ts';
export { TestLog, type TestLogLine } from './test-log.ts';
export { startBus, type TestCallOptions, TestNode, type TestNodeOptions } from './test-node.ts';
export { addressesOf, type TestPlugin } from './test-plugin.ts';
