/** Work inside a network namespace that the kernel pinned and handed over: sockets made in the window stay in it. */
export {
  AF_INET,
  bindInet,
  closeDescriptor,
  listenSocket,
  localPort,
  rawSocket,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  warmThreadPool,
  withNetworkNamespace,
} from '@cleat/core/syscalls';
