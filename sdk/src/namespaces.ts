/** Work inside a network namespace that the kernel pinned and handed over: sockets made in the window stay in it. */
export {
  AF_INET,
  AF_INET6,
  bindInet,
  closeDescriptor,
  connectInet,
  listenSocket,
  localPort,
  rawSocket,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  warmThreadPool,
  withNetworkNamespace,
} from '@cleat/core/syscalls';
