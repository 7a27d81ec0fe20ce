import { type Entry, leaf, type RawCommand, type Section, type TopEntry } from '../command/entry.ts';

function top(section: Section, entry: Entry): TopEntry {
  return { ...entry, section };
}

function raw(name: string, summary: string, load: () => Promise<RawCommand>): Entry {
  return { name, summary, load: async () => ({ type: 'raw', raw: await load() }) };
}

function group(name: string, summary: string, load: () => Promise<readonly Entry[]>): Entry {
  return { name, summary, load: async () => ({ type: 'group', entries: await load() }) };
}

/** All that there is, in the order of "cleat help". Each module is loaded when its command is used. */
export const COMMANDS: readonly TopEntry[] = [
  top(
    'Platform',
    raw('up', 'start the platform', async () => {
      const { up, upHelp } = await import('../platform/up.ts');
      return { help: upHelp, execute: up };
    }),
  ),
  top(
    'Platform',
    raw('down', 'stop the platform', async () => {
      const { down, downHelp } = await import('../platform/down.ts');
      return { help: downHelp, execute: down };
    }),
  ),
  top(
    'Platform',
    raw('status', 'say whether the platform is up', async () => {
      const { status, statusHelp } = await import('../platform/status.ts');
      return { help: statusHelp, execute: status };
    }),
  ),
  top(
    'Platform',
    leaf('info', 'show what this node is and how it is', async () => (await import('./node.ts')).infoCommand),
  ),
  top(
    'Platform',
    leaf('doctor', 'show what this host offers and lacks', async () => (await import('./doctor.ts')).doctorCommand),
  ),
  top(
    'Containers',
    leaf('run', 'make a container and run it', async () => (await import('./run.ts')).runCommand),
  ),
  top(
    'Containers',
    leaf('ps', 'list containers', async () => (await import('./ps.ts')).psCommand),
  ),
  top(
    'Containers',
    leaf('logs', 'show what a container has written', async () => (await import('./logs.ts')).logsCommand),
  ),
  top(
    'Containers',
    leaf('exec', 'run one more command in a container', async () => (await import('./exec.ts')).execCommand),
  ),
  top(
    'Containers',
    leaf('cp', 'copy files from a container or into one', async () => (await import('./cp.ts')).copyCommand),
  ),
  top(
    'Containers',
    leaf('attach', 'connect to a running container', async () => (await import('./lifecycle.ts')).attachCommand),
  ),
  top(
    'Containers',
    leaf('start', 'start stopped containers', async () => (await import('./lifecycle.ts')).startCommand),
  ),
  top(
    'Containers',
    leaf('stop', 'stop containers', async () => (await import('./lifecycle.ts')).stopCommand),
  ),
  top(
    'Containers',
    leaf('restart', 'stop containers and start them again', async () => (await import('./lifecycle.ts')).restartCommand),
  ),
  top(
    'Containers',
    leaf('kill', 'send a signal to containers', async () => (await import('./lifecycle.ts')).killCommand),
  ),
  top(
    'Containers',
    leaf('pause', 'freeze containers', async () => (await import('./lifecycle.ts')).pauseCommand),
  ),
  top(
    'Containers',
    leaf('unpause', 'let frozen containers go on', async () => (await import('./lifecycle.ts')).unpauseCommand),
  ),
  top(
    'Containers',
    leaf('wait', 'wait for containers to end', async () => (await import('./lifecycle.ts')).waitCommand),
  ),
  top(
    'Containers',
    leaf('rm', 'remove containers', async () => (await import('./lifecycle.ts')).removeCommand),
  ),
  top(
    'Containers',
    leaf('rename', 'give a container another name', async () => (await import('./lifecycle.ts')).renameCommand),
  ),
  top(
    'Containers',
    leaf('inspect', 'show all that is known of something', async () => (await import('./inspect.ts')).inspectCommand),
  ),
  top(
    'Objects',
    group('image', 'import, load, save, list and remove images', async () => (await import('./image.ts')).imageEntries),
  ),
  top(
    'Objects',
    group('volume', 'list, make and remove volumes', async () => (await import('./volume.ts')).volumeEntries),
  ),
  top(
    'Objects',
    group('network', 'list, make and remove networks', async () => (await import('./network.ts')).networkEntries),
  ),
  top(
    'Events',
    leaf('events', 'show what happens', async () => (await import('./events.ts')).eventsCommand),
  ),
  top(
    'Events',
    group('consumer', 'let programs outside the platform read events', async () => (await import('./consumer.ts')).consumerEntries),
  ),
  top(
    'Plugins',
    group('plugin', 'list, install, make and remove plugins', async () => (await import('./plugin.ts')).pluginEntries),
  ),
  top(
    'Plugins',
    leaf('call', 'call an operation of any contract', async () => (await import('./call.ts')).callCommand),
  ),
  top(
    'Help',
    leaf('version', 'show versions of this command and of the platform', async () => (await import('./node.ts')).versionCommand),
  ),
];
