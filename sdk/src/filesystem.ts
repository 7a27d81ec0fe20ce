// What a provider that makes file trees (images, volumes) needs beyond node:fs. Loaded at the first call.
export { mount, mountTable, umount } from '@cleat/core/syscalls';
export type { MountEntry, UmountOptions } from '@cleat/core/syscalls';
export { getXattr, listXattrs, makeNode, setFileTimes, setXattr, syncFileSystem } from '@cleat/core/syscalls';
export type { FilePath, FileTimes, NodeRequest } from '@cleat/core/syscalls';
export { SafeRoot } from '@cleat/core/syscalls';
export type { Owner } from '@cleat/core/syscalls';
