import { errnoOf, SafeRoot } from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';

/** Who a process runs as. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** The home directory by the container's passwd file; `/` where it names none. */
  readonly home: string;
}

/** A passwd file larger than this is not one. */
const FILE_LIMIT_BYTES = 16 * 1024 * 1024;
const HIGHEST_ID = 0x7fff_ffff;

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * Looks up `user[:group]`, each a name or a number, and further groups in /etc/passwd and /etc/group below the directory `root`, following
 * no link out of it, as Docker does: a number needs no entry, a group that is named takes the place of all that the user is a member of.
 * @throws CleatError USER_NOT_FOUND, GROUP_NOT_FOUND, USER_OUT_OF_RANGE
 */
export function resolveUser(root: string, user: string, groups: readonly string[] = []): ResolvedUser {
  const [userText = '', groupText = ''] = splitOnce(user);
  const { accounts, entries } = readNames(root);
  const { account, name } = findAccount(accounts, userText);
  const more = groups.map((group) => groupId(entries, group));
  const { uid, home } = account;
  const gid = groupText === '' ? account.gid : groupId(entries, groupText);
  const isMember = ({ members }: Group): boolean => groupText === '' && name !== undefined && members.includes(name);
  // The primary group is among them, lest a process that gives it up (setgid) passes by rules that refuse the group (CVE-2022-36109).
  return { uid, gid, additionalGids: unique([gid, ...entries.filter(isMember).map((group) => group.gid), ...more]), home };
}

function readNames(path: string): { readonly accounts: readonly Account[]; readonly entries: readonly Group[] } {
  const root = new SafeRoot(path);
  try {
    return { accounts: readAccounts(root), entries: readGroups(root) };
  } finally {
    root.close();
  }
}

function splitOnce(text: string): string[] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** `name` is the one in the passwd file, undefined when there is no entry. */
function findAccount(
  accounts: readonly Account[],
  text: string,
): { readonly account: Pick<Account, 'uid' | 'gid' | 'home'>; readonly name?: string } {
  const uid = text === '' ? 0 : numberOf(text);
  const found = accounts.find((account) => (uid === undefined ? account.name === text : account.uid === uid));
  if (found !== undefined) return { account: found, name: found.name };
  if (uid === undefined) {
    throw new CleatError('invalid_argument', 'USER_NOT_FOUND', `unable to find user ${text}: no matching entries in passwd file`);
  }
  return { account: { uid: inRange(uid), gid: 0, home: '/' } };
}

function groupId(groups: readonly Group[], text: string): number {
  const gid = numberOf(text);
  const found = groups.find((group) => group.name === text || group.gid === gid);
  if (found !== undefined) return found.gid;
  if (gid !== undefined) return inRange(gid);
  throw new CleatError('invalid_argument', 'GROUP_NOT_FOUND', `unable to find group ${text}: no matching entries in group file`);
}

function numberOf(text: string): number | undefined {
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

function inRange(id: number): number {
  if (id >= 0 && id <= HIGHEST_ID) return id;
  throw new CleatError('invalid_argument', 'USER_OUT_OF_RANGE', `uids and gids must be in range 0-${HIGHEST_ID}`);
}

function unique(ids: readonly number[]): number[] {
  return [...new Set(ids)];
}

function readAccounts(root: SafeRoot): Account[] {
  return linesOf(root, 'etc/passwd').flatMap(([name, , uid, gid, , home]) => {
    const numbers = [numberOf(uid ?? ''), numberOf(gid ?? '')];
    const [uidNumber, gidNumber] = numbers;
    if (name === undefined || name === '' || uidNumber === undefined || gidNumber === undefined) return [];
    return [{ name, uid: uidNumber, gid: gidNumber, home: home === undefined || home === '' ? '/' : home }];
  });
}

function readGroups(root: SafeRoot): Group[] {
  return linesOf(root, 'etc/group').flatMap(([name, , gid, members]) => {
    const gidNumber = numberOf(gid ?? '');
    if (name === undefined || name === '' || gidNumber === undefined) return [];
    return [{ name, gid: gidNumber, members: (members ?? '').split(',') }];
  });
}

/** The fields of each line; none when the container has no such file. */
function linesOf(root: SafeRoot, path: string): string[][] {
  return textOf(root, path)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function textOf(root: SafeRoot, path: string): string {
  try {
    return root.readFile(path, FILE_LIMIT_BYTES).toString('utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return '';
    throw error;
  }
}
