import t from 'tap';
import { processTable } from '../src/routes/top.ts';
import { parseBind } from '../src/wire/mount-request.ts';
import { humanDuration, parseTime, rfc3339 } from '../src/wire/time.ts';

t.test('times have as many digits as they need', (t) => {
  t.equal(rfc3339(0n), '0001-01-01T00:00:00Z');
  t.equal(rfc3339(1_700_000_000_000_000_000n), '2023-11-14T22:13:20Z');
  t.equal(rfc3339(1_700_000_000_120_000_000n), '2023-11-14T22:13:20.12Z');
  t.equal(rfc3339(1_700_000_000_000_000_001n), '2023-11-14T22:13:20.000000001Z');
  t.end();
});

t.test('durations are told as Docker tells them', (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0.5, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, 'About a minute'],
    [150, '2 minutes'],
    [3600, 'About an hour'],
    [3 * 3600, '3 hours'],
    [49 * 3600, '2 days'],
    [15 * 86_400, '2 weeks'],
    [65 * 86_400, '2 months'],
    [3 * 365 * 86_400, '3 years'],
  ];
  for (const [seconds, text] of cases) t.equal(humanDuration(seconds), text);
  t.end();
});

t.test('times are read in every form of Docker', (t) => {
  const now = 1_700_000_000_000;
  t.equal(parseTime('1700000000.5', now), 1_700_000_000_500_000_000n);
  t.equal(parseTime('1m30s', now), 1_699_999_910_000_000_000n);
  t.equal(parseTime('2023-11-14T22:13:20.5Z', now), 1_700_000_000_500_000_000n);
  t.equal(parseTime('2023-11-14T23:13:20+01:00', now), 1_700_000_000_000_000_000n);
  t.equal(parseTime('yesterday', now), undefined);
  t.end();
});

t.test('ps output is cut down to the processes of the container', (t) => {
  const text =
    'UID          PID    PPID  C STIME TTY          TIME CMD\nroot           1       0  0 10:00 ?        00:00:01 init splash\nroot          42       1  0 10:00 ?        00:00:00 sh -c sleep 5\n';
  t.same(processTable(text, new Set([42])), {
    Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
    Processes: [['root', '42', '1', '0', '10:00', '?', '00:00:00', 'sh -c sleep 5']],
  });
  t.throws(() => processTable('USER CMD\n', new Set()), { message: "Couldn't find PID field in ps output" });
  t.end();
});

t.test('binds are volumes or directories by their source', (t) => {
  t.same(parseBind('/host:/in:ro,rslave', ''), {
    type: 'bind',
    source: '/host',
    target: '/in',
    readonly: true,
    createSource: true,
    propagation: 'rslave',
  });
  t.match(parseBind('name:/in:nocopy', 'nfs'), { type: 'volume', name: 'name', target: '/in', nocopy: true, driver: 'nfs' });
  t.match(parseBind('/in', ''), { type: 'volume', target: '/in', anonymous: true });
  for (const wrong of ['', ':/x', 'a:', 'a:b:c:d', 'name:relative', '/a:/b:ro,rw', '/a:/b:odd'])
    t.throws(() => parseBind(wrong, ''), wrong);
  t.end();
});
