// What a provider that makes file trees (images, volumes) needs beyond node:fs. Loaded at the first call.

export type { FilePath, FileTimes, MountEntry, NodeRequest, Owner, UmountOptions } from '@cleat/core/syscalls';
export {
  getXattr,
  listXattrs,
  makeNode,
  mount,
  mountTable,
  SafeRoot,
  setFileTimes,
  setXattr,
  syncFileSystem,
  umount,
} from '@cleat/core/syscalls';
