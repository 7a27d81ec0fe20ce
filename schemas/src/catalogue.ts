import { CLI_ERRORS } from './catalogue/cli.ts';
import { CORE_ERRORS } from './catalogue/core.ts';
import type { ErrorFacts } from './catalogue/facts.ts';
import { GATEWAY_ERRORS } from './catalogue/gateway.ts';
import { IMAGES_ERRORS } from './catalogue/images.ts';
import { KERNEL_CONTAINERS_ERRORS } from './catalogue/kernel-containers.ts';
import { KERNEL_PLUGINS_ERRORS } from './catalogue/kernel-plugins.ts';
import { LOGGING_ERRORS } from './catalogue/logging.ts';
import { NETWORK_ERRORS } from './catalogue/network.ts';
import { SCHEMAS_ERRORS } from './catalogue/schemas.ts';
import { SDK_ERRORS } from './catalogue/sdk.ts';
import { STORAGE_ERRORS } from './catalogue/storage.ts';

/** A code of the catalogue. */
export interface CataloguedError extends ErrorFacts {
  /** `SYSCALL_*` stands for every code that begins so. */
  readonly code: string;
  /** The package that the code belongs to; others may raise it too. */
  readonly owner: string;
}

const BY_OWNER: Readonly<Record<string, Readonly<Record<string, ErrorFacts>>>> = {
  schemas: SCHEMAS_ERRORS,
  core: CORE_ERRORS,
  sdk: SDK_ERRORS,
  kernel: { ...KERNEL_CONTAINERS_ERRORS, ...KERNEL_PLUGINS_ERRORS },
  cli: CLI_ERRORS,
  gateway: GATEWAY_ERRORS,
  images: IMAGES_ERRORS,
  network: NETWORK_ERRORS,
  storage: STORAGE_ERRORS,
  logging: LOGGING_ERRORS,
};

/** Every error code that Cleat raises, sorted. Plugins of third parties prefix theirs with the plugin's name. */
export function errorCatalogue(): readonly CataloguedError[] {
  return Object.entries(BY_OWNER)
    .flatMap(([owner, codes]) => Object.entries(codes).map(([code, facts]) => ({ ...facts, code, owner })))
    .sort((left, right) => (left.code < right.code ? -1 : 1));
}
