export { CleatError, isCleatError, parseErrorClass, toCleatError } from './errors.ts';
export type { ErrorClass, ErrorExtras } from './errors.ts';
export { codecOf, compileType, fingerprintOf } from './codec.ts';
export type { Codec } from './codec.ts';
export { SchemaBook } from './schema-book.ts';
export type { OperationCodecs, ProtocolDocument } from './schema-book.ts';
export { compareVersions, highestCommon } from './version.ts';
export {
  driverAddress,
  eventFilterSubject,
  eventSubject,
  eventTypeName,
  interceptorAddress,
  providerAddress,
  serviceAddress,
  subjectToken,
} from './subjects.ts';
export type {
  claim,
  common,
  Contracts,
  container,
  containerTypes,
  event,
  exec,
  execTypes,
  image,
  interceptor,
  journal,
  log,
  logdata,
  network,
  node,
  plugin,
  provider,
  providerTypes,
  sys,
  view,
  volume,
} from './generated/contracts.ts';
export { askedGrant, matchesPattern, operatorGrant } from './manifest.ts';
export type {
  ContributionPart,
  DrivenKind,
  Grant,
  Hello,
  JsonSchema,
  Manifest,
  Permissions,
  ProvidedKind,
  Welcome,
} from './manifest.ts';
