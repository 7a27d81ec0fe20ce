import { releaseMemoryWhenIdle } from '@cleat/core/memory';
import { setCloseOnExec, signalAtParentEnd } from '@cleat/core/syscalls';
import { toCleatError } from '@cleat/schemas';
import { readKernelConfig } from './config.ts';
import { Kernel } from './kernel.ts';

/** Exit codes that tell the shell loop of `cleat up` not to start it again. */
const EXIT_DOWN = 0;
const EXIT_REFUSED = 78;
const EXIT_AGAIN = 75;

const [path = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const parent = process.ppid;
  const config = await readKernelConfig(path);
  // Inherited sockets are handed on by name; no other child may hold them.
  for (let index = 0; index < config.listeners; index += 1) setCloseOnExec(3 + index, true);
  const kernel = await Kernel.start(config, process.env['CLEAT_FAULT']);
  releaseMemoryWhenIdle();
  let isEnding = false;
  const end = async (how: { readonly platform: boolean; readonly stopContainers: boolean }): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    try {
      await kernel.close(how);
    } catch (error) {
      kernel.log.error('the kernel did not end in order', { error });
    }
    process.exit(how.platform ? EXIT_DOWN : EXIT_AGAIN);
  };
  kernel.onShutdown(({ stopContainers }) => void end({ platform: true, stopContainers }));
  process.on('SIGTERM', () => void end({ platform: true, stopContainers: false }));
  process.on('SIGINT', () => void end({ platform: true, stopContainers: false }));
  // An upgrade: the next kernel takes over what runs.
  process.on('SIGHUP', () => void end({ platform: false, stopContainers: false }));
  // Who starts it again is gone, and whoever starts another one would find the journal locked: it makes room, as for an upgrade.
  signalAtParentEnd('SIGHUP');
  if (process.ppid !== parent) await end({ platform: false, stopContainers: false });
}

try {
  await main();
} catch (error) {
  const reason = toCleatError(error);
  process.stderr.write(`cleat: ${reason.message}${reason.hint === undefined ? '' : `\n${reason.hint}`}\n`);
  process.exit(reason.class === 'invalid_argument' || reason.class === 'conflict' || reason.code.startsWith('JOURNAL_') ? EXIT_REFUSED : 1);
}
