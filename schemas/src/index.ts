export { type EventMessage, eventEntry, eventMessage, rfc3339 } from './cloud-event.ts';
export type { Codec } from './codec.ts';
export { codecOf, compileType, fingerprintOf } from './codec.ts';
export type { ErrorClass, ErrorExtras } from './errors.ts';
export { CleatError, isCleatError, parseErrorClass, toCleatError } from './errors.ts';
export type {
  Contracts,
  claim,
  common,
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
export { acceptedGrant, addressesOf, resolvedGrant } from './grant.ts';
export { parseHello } from './hello.ts';
export { incompatible } from './incompatible.ts';
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
export { askedGrant, consumerGrant, matchesPattern, operatorGrant } from './manifest.ts';
export type { OperationCodecs, ProtocolDocument, PublishedSchema } from './schema-book.ts';
export { SchemaBook } from './schema-book.ts';
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
export { compareVersions, highestCommon } from './version.ts';
