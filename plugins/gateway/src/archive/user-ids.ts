import type { SafeRoot } from '@cleat/sdk/filesystem';
import { badRequest } from '../errors.ts';

const MAX_FILE_BYTES = 1024 * 1024;

/** Lines of /etc/passwd or /etc/group by their fields; none when there is no such file. */
function records(root: SafeRoot, path: string): readonly (readonly string[])[] {
  if (!root.exists(path)) return [];
  return root
    .readFile(path, MAX_FILE_BYTES)
    .toString('utf8')
    .split('\n')
    .map((line) => line.split(':'));
}

function idOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** "name", "uid", each with ":group", as ids of the container. */
export function userIds(root: SafeRoot, user: string): { readonly uid: number; readonly gid: number } {
  const [name = '', group = ''] = user.split(':');
  const passwd = records(root, '/etc/passwd');
  const found = passwd.find((fields) => fields[0] === name) ?? passwd.find((fields) => fields[2] === name);
  const uid = idOf(found?.[2]) ?? idOf(name);
  if (uid === undefined) throw badRequest(`unable to find user ${name}: no matching entries in passwd file`);
  if (group === '') return { uid, gid: idOf(found?.[3]) ?? 0 };
  const gid = idOf(records(root, '/etc/group').find((fields) => fields[0] === group)?.[2]) ?? idOf(group);
  if (gid === undefined) throw badRequest(`unable to find group ${group}: no matching entries in group file`);
  return { uid, gid };
}
