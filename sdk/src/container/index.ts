export type { CapabilityChanges } from './capabilities.ts';
export { ALL_CAPABILITIES, capabilitiesOf, DEFAULT_CAPABILITIES } from './capabilities.ts';
export type {
  BoundPort,
  ExposedPort,
  HealthOptions,
  LogOptions,
  LogStatus,
  NetworkLink,
  NetworkOptions,
  NetworkStatus,
  PublishedPort,
  RootOptions,
  RootStatus,
  VolumeOptions,
  VolumeStatus,
} from './claims.ts';
export type { ContainerFromImageOptions } from './container-from-image.ts';
export {
  containerFromImage,
  DEFAULT_MASKED_PATHS,
  DEFAULT_READONLY_PATHS,
  parseExposedPorts,
} from './container-from-image.ts';
export { hostFacts } from './host-facts.ts';
export { checkResources, cpuQuotaOf } from './limits.ts';
export { commandOf, environmentOf } from './process.ts';
export type {
  ContainerParts,
  ContainerRequest,
  HostFacts,
  ImageDefaults,
  MountRequest,
  SecurityRequest,
} from './request.ts';
