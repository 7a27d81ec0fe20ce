import type { provider } from '@cleat/schemas';
import { Deadline } from '@cleat/sdk';
import t from 'tap';
import { type LogLedger, LogProvider } from '../src/handlers/log-provider.ts';
import { LogDrivers } from '../src/log-drivers.ts';

function provides(defaults = { driver: 'json-file', options: {} }): (options: object) => Promise<provider.ReserveResponseInput> {
  const log = new LogProvider(new LogDrivers(defaults, () => ['shipper']), shipper());
  return (options) => log.reserve(reserveRequest(options), CALL);
}

const CALL = { deadline: Deadline.after(60_000), signal: new AbortController().signal };

function reserveRequest(options: object): provider.ReserveRequest {
  return {
    reference: { object: 'c/log', container: 'c', claim: 'log', bootId: 'boot', number: 1 },
    options: JSON.stringify(options),
    container: { id: 'c', name: 'web', hostname: '', labels: {} },
    idMapping: { uids: [], gids: [] },
    directory: '',
    fromImage: false,
  };
}

const POLICY = { segmentBytes: 1_000, spoolBytes: 10_000, mode: 'non-blocking' };

/** A ledger with one driver of another plugin behind it: the far end of the contract, whose rules the SDK's tests have. */
function shipper(held: Map<string, string> = new Map(), log: typeof POLICY | null = POLICY): LogLedger {
  return {
    get objects() {
      return [...held].map(([object]) => ({ driver: 'shipper', object, status: '' }));
    },
    find: (object) => (held.has(object) ? { driver: 'shipper', object, status: '' } : undefined),
    reserve: async ({ object, options }) => {
      held.set(object, options);
      const nothing = { root: null, mounts: [], devices: [], environment: [], hosts: [], dns: null, hooks: [], annotations: {} };
      return { status: '', warnings: [], events: [], contribution: { ...nothing, log } };
    },
    release: async (object) => {
      held.delete(object);
    },
  };
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'it was accepted';
}

t.test('without bounds a json-file log is one segment that is never dropped', async (t) => {
  const answer = await provides()({});
  t.strictSame(answer.contribution?.log, { segmentBytes: 0, spoolBytes: 0, mode: 'non-blocking' });
  t.strictSame(JSON.parse(answer.status ?? ''), { driver: 'json-file', options: {} });
});

t.test('max-size and max-file bound what the kernel keeps, in powers of 1000 as in Docker', async (t) => {
  const reserve = provides();
  const bounds = async (options: Record<string, string>, driver = 'json-file'): Promise<unknown[]> => {
    const { contribution } = await reserve({ driver, options });
    return [contribution?.log?.segmentBytes, contribution?.log?.spoolBytes];
  };
  t.strictSame(await bounds({ 'max-size': '10m', 'max-file': '3' }), [10_000_000, 30_000_000]);
  t.strictSame(await bounds({ 'max-size': '500' }), [500, 500]);
  t.strictSame(await bounds({ 'max-size': '1.5kB', 'max-file': '2' }), [1500, 3000]);
  t.strictSame(await bounds({ 'max-file': '3' }), [0, 0]);
  t.strictSame(await bounds({}, 'local'), [20_971_520, 104_857_600]);
  t.strictSame(await bounds({ 'max-size': '1m', 'max-file': '1' }, 'local'), [1_000_000, 1_000_000]);
  t.strictSame(await bounds({ mode: 'non-blocking', 'max-buffer-size': '4m', compress: 'false' }), [0, 0]);
});

t.test('options that are wrong are refused at create, in the words that Docker has', async (t) => {
  const reserve = provides();
  const cases: [Record<string, string>, string, string?][] = [
    [{ foo: '1' }, "unknown log opt 'foo' for json-file log driver"],
    [{ foo: '1' }, "unknown log opt 'foo' for log driver local", 'local'],
    [{ tag: 'x' }, "unknown log opt 'tag' for log driver local", 'local'],
    [{ 'max-file': '0' }, 'failed to initialize logging driver: max-file cannot be less than 1'],
    [{ 'max-file': 'x' }, 'failed to initialize logging driver: strconv.Atoi: parsing "x": invalid syntax'],
    [{ 'max-size': '0' }, 'failed to initialize logging driver: max-size must be a positive number'],
    [{ 'max-size': 'x' }, "failed to initialize logging driver: invalid size: 'x'"],
    [
      { compress: 'true' },
      'failed to initialize logging driver: compress cannot be true when max-file is less than 2 or max-size is not set',
    ],
    [{ compress: 'true', 'max-size': '1m', 'max-file': '2' }, 'the logging driver json-file does not compress files'],
    [{ mode: 'zz' }, 'logger: logging mode not supported: zz'],
    [{ 'max-buffer-size': '1m' }, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
    [
      { tag: '{{.Foo}}' },
      'failed to initialize logging driver: template: log-tag: {{.Foo}} is not one of {{.ID}}, {{.FullID}}, {{.Name}}, {{.ImageID}}, {{.ImageFullID}}, {{.ImageName}}, {{.DaemonName}}',
    ],
    [{ tag: '{{' }, 'failed to initialize logging driver: template: log-tag: unclosed action'],
  ];
  for (const [options, message, driver = 'json-file'] of cases) {
    t.equal(await refusal(reserve({ driver, options })), message);
  }
  t.match(await refusal(reserve({ options: { 'labels-regex': '[' } })), /^failed to initialize logging driver: error parsing regexp: /);
});

t.test('a driver of another plugin says how the log is kept, and holds the container until it is released', async (t) => {
  const held = new Map<string, string>();
  const log = new LogProvider(new LogDrivers({ driver: 'json-file', options: {} }, () => ['shipper']), shipper(held));
  const request = reserveRequest({ driver: 'shipper', options: { to: 'there' } });
  const answer = await log.reserve(request, CALL);
  t.strictSame(answer.contribution?.log, POLICY);
  t.strictSame(JSON.parse(answer.status ?? ''), { driver: 'shipper', options: { to: 'there' } });
  t.strictSame([...held], [['c', '{"to":"there"}']]);
  await log.release({ reference: request.reference, purge: true }, CALL);
  t.equal(held.size, 0);
  await log.reserve(request, CALL);
  await log.reconcile({ bootId: 'boot', position: 1, held: [], owed: [] }, CALL);
  t.equal(held.size, 0, "a container that is not held any more is not the driver's either");
});

t.test('a driver of another plugin that does not say how a log is kept gets the default', async (t) => {
  const drivers = new LogDrivers({ driver: 'json-file', options: {} }, () => ['shipper']);
  const log = new LogProvider(drivers, shipper(new Map(), null));
  const answer = await log.reserve(reserveRequest({ driver: 'shipper' }), CALL);
  t.strictSame(answer.contribution?.log, { segmentBytes: 1_048_576, spoolBytes: 20_971_520, mode: 'blocking' });
});

t.test('whether a container waits is for the user to say, and none of the driver of another plugin', async (t) => {
  const held = new Map<string, string>();
  const log = new LogProvider(new LogDrivers({ driver: 'json-file', options: {} }, () => ['shipper']), shipper(held));
  const options = { mode: 'non-blocking', 'max-buffer-size': '5m', to: 'there' };
  const answer = await log.reserve(reserveRequest({ driver: 'shipper', options }), CALL);
  t.strictSame(answer.contribution?.log, { segmentBytes: 1_000, spoolBytes: 5_000_000, mode: 'non-blocking' });
  t.strictSame([...held.values()], ['{"to":"there"}']);
});

t.test('a claim that the driver of another plugin is not known to hold is named at reconcile', async (t) => {
  const log = new LogProvider(new LogDrivers({ driver: 'json-file', options: {} }, () => ['shipper']), shipper());
  const { reference, options, container, idMapping } = reserveRequest({ driver: 'shipper' });
  const rest = { options, container, idMapping, directory: '', attached: false, networkNamespace: '', userNamespace: '' };
  const held = ['shipper', 'json-file'].map((driver) => ({ ...rest, reference, status: JSON.stringify({ driver }) }));
  const { lacks } = await log.reconcile({ bootId: 'boot', position: 1, held, owed: [] }, CALL);
  t.strictSame(lacks, [reference], 'what is kept by the kernel alone is not lacked');
});

t.test('drivers that are not there are refused', async (t) => {
  const reserve = provides();
  t.equal(await refusal(reserve({ driver: 'nope' })), 'error looking up logging plugin nope: plugin "nope" not found');
  t.match(await refusal(reserve({ driver: 'none' })), /no claim/);
});

t.test("the node's options hold for containers with its driver, each unless the container has its own", async (t) => {
  const reserve = provides({ driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } });
  const kept = async (options: object): Promise<unknown> => (await reserve(options)).contribution?.log?.spoolBytes;
  t.equal(await kept({}), 30_000_000);
  t.equal(await kept({ driver: 'json-file', options: { 'max-file': '5' } }), 50_000_000);
  t.equal(await kept({ driver: 'local' }), 104_857_600, 'not for another driver');
  t.throws(() => new LogDrivers({ driver: 'json-file', options: { 'max-size': 'x' } }, () => []), /invalid size/);
});
