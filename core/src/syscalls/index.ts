export { allocateBlocks, preallocate } from './allocation.ts';
export { boundingSet, CAPABILITIES, effectiveSet, lastCapability } from './capabilities.ts';
export type { ReceivedDescriptors } from './descriptors.ts';
export {
  DESCRIPTORS_PER_MESSAGE,
  duplicateAbove,
  moveDescriptor,
  recvFds,
  sendFds,
  setCloseOnExec,
  setNonBlocking,
} from './descriptors.ts';
export { errnoName, errnoOf, fromNodeError, systemError } from './errno.ts';
export type { FilePath } from './libc.ts';
export type { UnixListenerOptions } from './listeners.ts';
export { listenTcpInheritable, listenUnixInheritable } from './listeners.ts';
export type { MountEntry } from './mount-table.ts';
export { mountTable, parseMountInfo } from './mount-table.ts';
export type { BindOptions, MountRequest, UmountOptions } from './mounts.ts';
export {
  bindMount,
  fileSystemType,
  MNT_DETACH,
  MS_BIND,
  MS_MOVE,
  MS_NOATIME,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  makePrivate,
  makeShared,
  mount,
  UMOUNT_NOFOLLOW,
  umount,
} from './mounts.ts';
export {
  bringLoopbackUp,
  createNetworkNamespace,
  isNamespacePinned,
  unpinNamespace,
  warmThreadPool,
  withNetworkNamespace,
} from './network-namespaces.ts';
export type { FileTimes, NodeRequest } from './nodes.ts';
export { makeNode, setFileTimes } from './nodes.ts';
export type { OpenRequest } from './openat2.ts';
export {
  lstatInRoot,
  O_PATH,
  openat2,
  openInRoot,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  readlinkInRoot,
  statInRoot,
} from './openat2.ts';
export { makePipe, readAvailable } from './pipes.ts';
export type { ExecRequest, LockOptions } from './process.ts';
export {
  becomeSubreaper,
  execve,
  flock,
  mkfifo,
  pidfdOpen,
  pidfdSendSignal,
  signalAtParentEnd,
  signalByPid,
  signalProcess,
  unlock,
} from './process.ts';
export type { FoundProcess } from './process-table.ts';
export { commandLine, findProcesses, isSameProcess, isZombie, processAge, processStartTime } from './process-table.ts';
export type { Owner } from './safe-root.ts';
export { SafeRoot } from './safe-root.ts';
export { connectSeqpacket, SeqpacketConnection } from './seqpacket.ts';
export type { NetlinkAddress } from './socket-addresses.ts';
export {
  addressFamily,
  bindInet,
  bindNetlink,
  bindUnix,
  connectInet,
  connectNetlink,
  connectUnix,
  inetAddress,
  localPort,
} from './socket-addresses.ts';
export type { PeerCredentials } from './sockets.ts';
export {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  accept,
  closeDescriptor,
  descriptorOf,
  listenSocket,
  localAddress,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  peerCredentials,
  rawSocket,
  recv,
  SO_PEERCRED,
  SO_RCVBUF,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_SNDBUF,
  SO_SNDTIMEO,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_NETLINK,
  SOL_SOCKET,
  send,
  setReceiveTimeout,
  setSocketOption,
  socketOption,
  socketPair,
} from './sockets.ts';
export type { ProcessEnd, SpawnRequest } from './spawn.ts';
export { reapProcess, spawnProcess } from './spawn.ts';
export { syncFileSystem } from './sync.ts';
export type { TreeRemoval } from './tree-removal.ts';
export { removeTreeAt } from './tree-removal.ts';
export type { IdRange, UserNamespaceRequest } from './user-namespaces.ts';
export { createUserAndNetworkNamespace } from './user-namespaces.ts';
export { getXattr, listXattrs, removeXattr, setXattr } from './xattrs.ts';
