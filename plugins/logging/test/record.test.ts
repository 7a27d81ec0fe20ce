import t from 'tap';
import { type LogMessage, MessageAssembler } from '../src/reader/message-assembler.ts';
import { type LogRecord, parseRecord, RecordScanner, recordTime } from '../src/reader/record.ts';

function scanned(chunks: readonly (string | Buffer)[]): readonly LogRecord[] {
  const records: LogRecord[] = [];
  const scanner = new RecordScanner();
  const take = (record: LogRecord): void => {
    records.push({ ...record, data: Buffer.from(record.data) });
  };
  for (const chunk of chunks) scanner.push(Buffer.from(chunk), take);
  scanner.end(take);
  return records;
}

const TIME = '2026-01-02T03:04:05.123456789';

t.test('a record is taken apart, a line feed of the output stays with it', async (t) => {
  t.match(parseRecord(Buffer.from(`${TIME}+00:00 stdout F text \n`)), {
    time: `${TIME}Z`,
    stream: 1,
    isEnd: true,
    data: Buffer.from('text \n'),
  });
  t.match(parseRecord(Buffer.from(`${TIME}+00:00 stderr P text\n`)), { stream: 2, isEnd: false, data: Buffer.from('text') });
  t.match(parseRecord(Buffer.from(`${TIME}+00:00 stdout F \n`)), { isEnd: true, data: Buffer.from('\n') });
  t.match(parseRecord(Buffer.from(`${TIME}+00:00 stdout F cut o`)), { isEnd: false, data: Buffer.from('cut o') }, 'cut off');
});

t.test('times of other zones and with fewer digits compare as text', async (t) => {
  const time = (text: string): string | undefined => parseRecord(Buffer.from(`${text} stdout F x\n`))?.time;
  t.equal(time('2026-01-02T05:04:05.123456789+02:00'), `${TIME}Z`);
  t.equal(time('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05.000000000Z');
  t.equal(recordTime(1_767_323_045_123_456_789n), `${TIME}Z`);
  t.equal(recordTime(10n ** 30n), '9999-12-31T23:59:59.999999999Z');
});

t.test('what is no record is passed over, also without end', async (t) => {
  t.equal(parseRecord(Buffer.from('hello world and more words\n')), undefined);
  t.equal(parseRecord(Buffer.from(`${TIME}+00:00 stdin F x\n`)), undefined);
  const line = `${TIME}+00:00 stdout F x\n`;
  const records = scanned([line, Buffer.alloc(200_000), Buffer.from('\n'), line]);
  t.equal(records.length, 2);
});

t.test('records come whole wherever the chunks are cut', async (t) => {
  const text = `${TIME}+00:00 stdout F one\n${TIME}+00:00 stderr P two\n${TIME}+00:00 stderr F \n`;
  for (let at = 0; at <= text.length; at += 1) {
    const records = scanned([text.slice(0, at), text.slice(at)]);
    t.strictSame(
      records.map(({ data }) => data.toString()),
      ['one\n', 'two', '\n'],
      `cut at ${at}`,
    );
  }
});

function messages(
  pieces: readonly [stream: 1 | 2, text: string, isEnd: boolean][],
  isFlushed = false,
): readonly [number, string, string][] {
  const given: [number, string, string][] = [];
  const assembler = new MessageAssembler(({ stream, parts, time, sizeBytes }: LogMessage) => {
    const text = Buffer.concat(parts).toString();
    if (text.length !== sizeBytes) throw new Error(`${text.length} bytes, not ${sizeBytes}`);
    given.push([stream, text, time]);
  });
  for (const [index, [stream, text, isEnd]] of pieces.entries()) {
    assembler.push({ stream, time: String(index), isEnd, data: Buffer.from(isEnd ? `${text}\n` : text) });
  }
  if (isFlushed) assembler.flush();
  return given;
}

t.test('pieces of a line are one message with the time of its end, each stream by itself', async (t) => {
  const pieces: [1 | 2, string, boolean][] = [
    [1, 'a', false],
    [2, 'x', true],
    [1, 'b', false],
    [1, '', true],
    [1, 'rest', false],
  ];
  t.strictSame(messages(pieces), [
    [2, 'x\n', '1'],
    [1, 'ab\n', '3'],
  ]);
  t.strictSame(messages(pieces, true).at(-1), [1, 'rest', '4']);
});

t.test('a line of more than 16 KiB is several messages with one time, as in Docker', async (t) => {
  const piece = 'x'.repeat(8192);
  const line: [1 | 2, string, boolean][] = [
    [1, piece, false],
    [1, piece, false],
    [1, piece, false],
    [1, piece, false],
    [1, 'end', true],
  ];
  t.strictSame(
    messages(line).map(([, text, time]) => [text.length, time]),
    [
      [16_384, '1'],
      [16_384, '1'],
      [4, '1'],
    ],
  );
  t.strictSame(
    messages([...line.slice(0, 1), [1, piece, true]]).map(([, text]) => text.length),
    [16_384, 1],
    'of exactly 16 KiB the line feed comes alone',
  );
  t.strictSame(
    messages([[1, 'y'.repeat(40_000), true]]).map(([, text]) => text.length),
    [16_384, 16_384, 40_001 - 32_768],
    'also when it came in one piece',
  );
});
