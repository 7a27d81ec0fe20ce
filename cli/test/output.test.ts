import t from 'tap';
import { jsonValue } from '../src/output/json.ts';
import { byteText, parseBytes } from '../src/output/size.ts';
import { wantsColor } from '../src/output/style.ts';
import { printable, shortened, table } from '../src/output/table.ts';
import { parseTime, rfc3339, span } from '../src/output/time.ts';

const SECOND = 1_000_000_000n;

t.test('times are written with all nine digits', async (t) => {
  t.equal(rfc3339(1_772_366_400n * SECOND), '2026-03-01T12:00:00.000000000Z');
  t.equal(rfc3339(1_772_366_400_123_456_789n), '2026-03-01T12:00:00.123456789Z');
});

t.test('times are read as users write them', async (t) => {
  const now = 1_772_366_400n * SECOND;
  const cases: readonly (readonly [string, bigint | undefined])[] = [
    ['1772366400', now],
    ['1772366400.5', now + SECOND / 2n],
    ['10m', now - 600n * SECOND],
    ['1h30m', now - 5400n * SECOND],
    ['2d', now - 172_800n * SECOND],
    ['500ms', now - SECOND / 2n],
    ['2026-03-01T12:00:00Z', now],
    ['2026-03-01T12:00:00.000000001Z', now + 1n],
    ['2026-03-01T13:00:00+01:00', now],
    ['2026-03-01T12:00', now],
    ['2026-03-01', now - 43_200n * SECOND],
    [rfc3339(now + 42n), now + 42n],
    ['', undefined],
    ['soon', undefined],
    ['10 m', undefined],
    ['2026-13-01', undefined],
    ['-5m', undefined],
  ];
  for (const [text, expected] of cases) t.equal(parseTime(text, now), expected, text);
});

t.test('a span of time is never coarser than half of it', async (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0.4, 'less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [119, '119 seconds'],
    [120, '2 minutes'],
    [3600, '60 minutes'],
    [7200, '2 hours'],
    [172_800, '2 days'],
    [86_400 * 800, '2 years'],
  ];
  for (const [seconds, expected] of cases) t.equal(span(BigInt(Math.round(seconds * 1e9))), expected);
});

t.test('sizes are read in binary and written in decimal units', async (t) => {
  t.equal(parseBytes('512m'), 512 * 1024 ** 2);
  t.equal(parseBytes('1.5g'), 1.5 * 1024 ** 3);
  t.equal(parseBytes('1GiB'), 1024 ** 3);
  t.equal(parseBytes('4096'), 4096);
  for (const wrong of ['', 'm', '1x', '-1', '1 2']) t.equal(parseBytes(wrong), undefined, wrong);
  t.equal(byteText(999), '999 B');
  t.equal(byteText(12_345_678), '12.3 MB');
});

t.test('a table is aligned, and its cells cannot steer the terminal', async (t) => {
  t.equal(
    table(
      ['NAME', 'STATE'],
      [
        ['a', 'ready'],
        ['long-name', ''],
      ],
    ),
    'NAME        STATE\na           ready\nlong-name\n',
  );
  t.equal(printable('\u001b[31mred\n\u009b'), '\\x1b[31mred\\x0a\\x9b');
  t.equal(shortened('abcdef', 4), 'abc…');
});

t.test('JSON has times as text, none as null, and bytes in base64', async (t) => {
  const value = { at: 1_772_366_400n * SECOND, never: 0n, data: Buffer.from([1, 2]), list: [{ position: 3 }], none: null };
  t.same(jsonValue(value), { at: '2026-03-01T12:00:00.000000000Z', never: null, data: 'AQI=', list: [{ position: 3 }], none: null });
});

t.test('colour is for a terminal, and for who has not said no to it', async (t) => {
  t.equal(wantsColor({ isTTY: true }, {}), true);
  t.equal(wantsColor({ isTTY: true }, { NO_COLOR: '' }), true, 'an empty NO_COLOR says nothing');
  t.equal(wantsColor({ isTTY: true }, { NO_COLOR: '1' }), false);
  t.equal(wantsColor({ isTTY: true }, { TERM: 'dumb' }), false);
  t.equal(wantsColor({}, {}), false);
});
