import { CleatError, type container, isCleatError } from '@cleat/schemas';
import type { Scope } from '../scope.ts';

/** Docker's words for a container that is not there. */
export function noSuchContainer(error: unknown, name: string): unknown {
  if (!isCleatError(error) || error.code !== 'CONTAINER_NOT_FOUND') return error;
  return new CleatError('not_found', error.code, `No such container: ${name}`, { cause: error });
}

export async function findContainer(scope: Scope, name: string): Promise<container.Info> {
  try {
    return await scope.call('container', 'inspect', { container: name.replace(/^\//, '') });
  } catch (error) {
    throw noSuchContainer(error, name);
  }
}

/** Runs a call on a container; a container that is not there is told in Docker's words. */
export async function onContainer<T>(name: string, run: (container: string) => Promise<T>): Promise<T> {
  try {
    return await run(name.replace(/^\//, ''));
  } catch (error) {
    throw noSuchContainer(error, name);
  }
}
