import { getSystemErrorName } from 'node:util';
import type { ErrorClass } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';
import type { NetlinkReply } from './message.ts';
import { attributeString, attributes, NLM_F_ACK_TLVS, NLM_F_CAPPED } from './message.ts';

const NLMSGERR_ATTR_MSG = 1;
const CLASS_BY_ERRNO: ReadonlyMap<string, ErrorClass> = new Map([
  ['EEXIST', 'already_exists'],
  ['ENOENT', 'not_found'],
  ['ENODEV', 'not_found'],
  ['ESRCH', 'not_found'],
  ['EADDRNOTAVAIL', 'not_found'],
  ['EBUSY', 'conflict'],
  ['ENETUNREACH', 'conflict'],
  ['ENETDOWN', 'conflict'],
  ['EPERM', 'permission_denied'],
  ['EACCES', 'permission_denied'],
  ['EINVAL', 'invalid_argument'],
  ['ERANGE', 'invalid_argument'],
  ['EOPNOTSUPP', 'unimplemented'],
  ['ENOTSUP', 'unimplemented'],
  ['EAFNOSUPPORT', 'unimplemented'],
  ['EPROTONOSUPPORT', 'unimplemented'],
  ['ENOSPC', 'resource_exhausted'],
  ['ENOMEM', 'resource_exhausted'],
  ['EMFILE', 'resource_exhausted'],
  ['ENFILE', 'resource_exhausted'],
  ['ENOBUFS', 'resource_exhausted'],
]);

/** What an NLMSG_ERROR says: zero is an acknowledgement; otherwise the kernel's own sentence comes along where it has one. */
export interface NetlinkStatus {
  readonly errno: number;
  readonly text: string | undefined;
}

export function readStatus(reply: NetlinkReply): NetlinkStatus {
  const { body } = reply;
  const errno = body.length >= 4 ? -body.readInt32LE(0) : 0;
  if ((reply.flags & NLM_F_ACK_TLVS) === 0 || body.length < 20) return { errno, text: undefined };
  const echoedBytes = (reply.flags & NLM_F_CAPPED) === 0 ? body.readUInt32LE(4) : 16;
  const extra = body.subarray(4 + ((echoedBytes + 3) & ~3));
  return { errno, text: attributeString(attributes(extra).get(NLMSGERR_ATTR_MSG)) };
}

/** The error of a request that the kernel refused: code `NETLINK_EEXIST` and so on, the errno's name in `details.errno`. */
export function netlinkError(what: string, status: NetlinkStatus): CleatError {
  const name = getSystemErrorName(-status.errno);
  const reason = status.text === undefined || status.text === '' ? name : `${status.text} (${name})`;
  return new CleatError(CLASS_BY_ERRNO.get(name) ?? 'internal', `NETLINK_${name}`, `cannot ${what}: ${reason}`, {
    details: { errno: name },
  });
}

/** True when `error` is the kernel's refusal with one of these errno names. */
export function isNetlinkErrno(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof CleatError && names.some((name) => error.code === `NETLINK_${name}`);
}
