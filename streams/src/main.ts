// The process `streams`: started by the kernel, which hands it the listening socket, and outlived by none of its clients.
import { parseArgs } from 'node:util';
import { createLogger } from '@cleat/core/log';
import { releaseMemoryWhenIdle } from '@cleat/core/memory';
import { StreamsServer } from './server.ts';

const { values } = parseArgs({
  options: { 'listen-fd': { type: 'string' }, 'spool-dir': { type: 'string' }, 'idle-ms': { type: 'string' } },
});

const log = createLogger({ fields: { process: 'streams' } });

new StreamsServer({
  listenFd: Number(values['listen-fd']),
  spoolDirectory: values['spool-dir'] ?? '/var/tmp',
  idleMs: Number(values['idle-ms']),
  onIdle: () => {
    process.exit(0);
  },
  onError: (error) => {
    log.warn('a connection was refused', { error });
  },
});

releaseMemoryWhenIdle();
