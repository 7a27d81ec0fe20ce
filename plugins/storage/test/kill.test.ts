import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needs, type TestContext, tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import { FakeDriver, FakeDrivers } from './fake-drivers.ts';
import { BOOT, CALL, CONTAINER, type Lab, mountsBelow, nextNumber, openLab } from './storage-lab.ts';

const SCENARIO = fileURLToPath(new URL('./killed-scenario.js', import.meta.url));
const CLAIMS = ['volume-1', 'volume-2', 'volume-3', 'volume-4'];

// A hundred processes one after another, on a busy machine seconds each.
t.setTimeout(900_000);

/** Directories of one round. */
interface Places {
  readonly directory: string;
  readonly device: string;
  readonly driver: string;
}

interface Ended {
  readonly wasKilled: boolean;
  readonly lines: readonly string[];
}

async function runScenario({ directory, device, driver }: Places, fault: string): Promise<Ended> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [SCENARIO, directory, device, driver, fault], { timeout: 60_000 });
    return { wasKilled: false, lines: stdout.split('\n') };
  } catch (error) {
    if (error instanceof Error && 'signal' in error && error.signal === 'SIGKILL' && 'stdout' in error) {
      return { wasKilled: true, lines: String(error.stdout).split('\n') };
    }
    throw error;
  }
}

/** What is wrong with the state after the kernel has said that nothing is held and all is owed. */
async function flaws(lab: Lab, device: string): Promise<readonly string[]> {
  const { volumes = [] } = await lab.storage.service.list({ filters: {}, sizes: false }, CALL);
  const known = volumes.map(({ name }) => name).sort();
  const onDisk = readdirSync(join(lab.directory, 'volumes')).sort();
  const anonymous = known.filter((name) => name.length === 64);
  const trash = readdirSync(join(lab.directory, 'trash'));
  return [
    ...(mountsBelow(lab.directory).length > 0 ? [`mounts are left: ${mountsBelow(lab.directory).join(' ')}`] : []),
    ...(readdirSync(join(lab.directory, 'mounts')).length > 0 ? ['places of mounts are left'] : []),
    // A directory may be there for a volume that was not finished: its next create takes it.
    ...(known.every((name) => onDisk.includes(name)) ? [] : [`volumes ${known.join(' ')}, directories ${onDisk.join(' ')}`]),
    ...(anonymous.length > 0 ? ['an anonymous volume is left'] : []),
    ...(volumes.some(({ references }) => references !== 0) ? ['a claim is left'] : []),
    ...(trash.length > 0 ? [`the trash holds ${trash.length}`] : []),
    ...(readFileSync(join(device, 'sub/file'), 'utf8') === 'precious' ? [] : ['the directory of the host was touched']),
  ];
}

/** Every volume was announced before it was told that it is gone, and what is there was announced. */
function untold(events: readonly string[], volumes: readonly string[]): readonly string[] {
  const created = new Set(events.filter((line) => line.startsWith('volume.created ')).map((line) => line.split(' ')[1]));
  const removed = events.filter((line) => line.startsWith('volume.removed ')).map((line) => line.split(' ')[1]);
  return [...volumes, ...removed].filter((name) => !created.has(name)).map((name) => `${name} was never announced`);
}

async function afterKill(t: TestContext, places: Places, { lines }: Ended): Promise<readonly string[]> {
  const { directory, device } = places;
  const array = new FakeDriver(places.driver);
  const lab = await openLab(t, { directory, drivers: new FakeDrivers({ array }) });
  const owed = CLAIMS.map((claim) => ({
    reference: { object: `${CONTAINER}/${claim}`, container: CONTAINER, claim, bootId: BOOT, number: nextNumber() + 1000 },
    operation: 'release',
    purge: true,
  }));
  const { failures = [], lacks = [] } = await lab.storage.reconciliation.run({ bootId: BOOT, position: 1, held: [], owed }, CALL);
  await lab.storage.resume();
  const isDone = (): boolean => array.uses.length + array.volumes.length === 0;
  await waitFor('the driver to do what it is owed', isDone).catch(() => undefined);
  await lab.close();
  const { volumes = [] } = await lab.storage.service.list({ filters: {}, sizes: false }, CALL);
  const told = [
    ...lines.filter((line) => line.startsWith('told ')).map((line) => line.slice('told '.length)),
    ...lab.events.map(({ type, subject }) => `${type} ${subject}`),
  ];
  return [
    ...(failures.length + lacks.length > 0 ? [`failures ${JSON.stringify([failures, lacks])}`] : []),
    ...[...array.uses, ...array.volumes].map((left) => `the driver still has ${left}`),
    ...(await flaws(lab, device)),
    ...untold(
      told,
      volumes.map(({ name }) => name),
    ),
  ];
}

for (const point of ['before-write', 'after-write']) {
  t.test(`killed ${point.replace('-', ' its ')} of any record, nothing is left over and nothing is lost`, async (t) => {
    if (!needs(t, 'root')) return;
    let kills = 0;
    for (let record = 1; ; record += 1) {
      const directory = join(tempDir(t), 'state');
      const device = tempDir(t);
      mkdirSync(join(device, 'sub'));
      writeFileSync(join(device, 'sub/file'), 'precious');
      const places = { directory, device, driver: tempDir(t) };
      const ended = await runScenario(places, `${point}:${record}`);
      if (!ended.wasKilled) {
        t.notOk(existsSync(join(directory, 'volumes/bnd')), 'it came to its end');
        t.match(ended.lines.join('\n'), /^records \d+$/m);
        break;
      }
      kills += 1;
      const wrong = await afterKill(t, places, ended);
      if (wrong.length > 0) t.fail(`killed ${point} of record ${record}`, { wrong });
    }
    t.ok(kills > 20, `${kills} kills`);
  });
}
