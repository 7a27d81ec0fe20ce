import { HttpError } from '../errors.ts';

/** Versions of the Engine API that are served. */
export const NEWEST = '1.55';
export const OLDEST = '1.24';

/** The minor number: every version is 1.x. */
export type ApiVersion = number;

const PREFIX = /^\/v(\d+)\.(\d+)(?=\/|\?|$)/;

export interface VersionedUrl {
  readonly version: ApiVersion;
  /** As in the path; empty without one. */
  readonly asked: string;
  /** Without the version. */
  readonly url: string;
}

/** The minor number of "1.41". */
export function minorOf(version: string): ApiVersion {
  return Number(version.slice(2));
}

/** Takes `/v1.41` off a URL; without one the newest is meant. */
export function splitVersion(url: string): VersionedUrl {
  const match = PREFIX.exec(url);
  if (match === null) return { version: minorOf(NEWEST), asked: '', url };
  const rest = url.slice(match[0].length);
  return {
    // Another major is far out of range, on either side.
    version: (Number(match[1]) - 1) * 1000 + Number(match[2]),
    asked: `${match[1]}.${match[2]}`,
    url: rest.startsWith('/') ? rest : `/${rest}`,
  };
}

/** Docker's words and status for a client that is too old or too new. */
export function checkVersion(asked: VersionedUrl): void {
  if (asked.version < minorOf(OLDEST)) {
    throw new HttpError(
      400,
      `client version ${asked.asked} is too old. Minimum supported API version is ${OLDEST}, please upgrade your client to a newer version`,
    );
  }
  if (asked.version > minorOf(NEWEST)) {
    throw new HttpError(400, `client version ${asked.asked} is too new. Maximum supported API version is ${NEWEST}`);
  }
}
