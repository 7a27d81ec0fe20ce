import type { Manifest } from '@cleat/schemas';
import { CleatError, driverAddress, interceptorAddress, providerAddress, serviceAddress } from '@cleat/schemas';
import type { PluginHandlers } from '../plugin.ts';

/** What a plugin answers at, and how what is behind it is found in the handlers that set-up gives. */
export type Role =
  | { readonly type: 'provider'; readonly kind: string; readonly address: string }
  | { readonly type: 'driver'; readonly key: string; readonly title: string; readonly address: string }
  | { readonly type: 'service'; readonly contract: string; readonly address: string }
  | { readonly type: 'interceptor'; readonly address: string };

/** Every role that a manifest names. */
export function rolesOf(manifest: Manifest): readonly Role[] {
  const providers = (manifest.provides ?? []).map(({ kind }): Role => ({ type: 'provider', kind, address: providerAddress(kind) }));
  const drivers = (manifest.drives ?? []).map(
    ({ kind, name }): Role => ({
      type: 'driver',
      key: `${kind}/${name}`,
      title: `${kind} driver ${name}`,
      address: driverAddress(kind, name),
    }),
  );
  const services = (manifest.services ?? []).map((contract): Role => ({ type: 'service', contract, address: serviceAddress(contract) }));
  const isJudge = (manifest.intercepts ?? []).length > 0;
  return [
    ...providers,
    ...drivers,
    ...services,
    ...(isJudge ? [{ type: 'interceptor', address: interceptorAddress(manifest.name) } as const] : []),
  ];
}

/** Throws `internal` PLUGIN_HANDLERS when set-up gave no handlers for a role that the manifest names. */
export function checkHandlers(manifest: Manifest, handlers: PluginHandlers): void {
  for (const role of rolesOf(manifest)) {
    if (hasHandlers(role, handlers)) continue;
    throw new CleatError(
      'internal',
      'PLUGIN_HANDLERS',
      `the manifest of ${manifest.name} names ${titleOf(role)}, but its set-up gave no handlers for it`,
      { plugin: manifest.name },
    );
  }
}

export function titleOf(role: Role): string {
  switch (role.type) {
    case 'provider':
      return `provider of ${role.kind}`;
    case 'driver':
      return role.title;
    case 'service':
      return `service ${role.contract}`;
    case 'interceptor':
      return 'interceptor';
  }
}

function hasHandlers(role: Role, handlers: PluginHandlers): boolean {
  switch (role.type) {
    case 'provider':
      return handlers.providers?.[role.kind] !== undefined;
    case 'driver':
      return handlers.drivers?.[role.key] !== undefined;
    case 'service':
      return handlersOfService(handlers, role.contract) !== undefined;
    case 'interceptor':
      return handlers.interceptor !== undefined;
  }
}

/** The handlers of a contract whose name is known only now. */
export function handlersOfService(handlers: PluginHandlers, contract: string): Readonly<Record<string, unknown>> | undefined {
  const services: Readonly<Record<string, unknown>> = handlers.services ?? {};
  const found = services[contract];
  // Not a copy: the handlers may be methods of a class.
  return typeof found === 'object' && found !== null ? (found as Readonly<Record<string, unknown>>) : undefined;
}
