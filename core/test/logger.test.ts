import { CleatError } from '@cleat/schemas';
import t from 'tap';
import { createLogger, type Logger, type LogLevel } from '../src/log/index.ts';

interface Captured {
  readonly logger: Logger;
  readonly lines: string[];
}

function capture(level: LogLevel = 'debug'): Captured {
  const lines: string[] = [];
  const now = (): Date => new Date(0);
  return { logger: createLogger({ level, now, write: (line) => void lines.push(line) }), lines };
}

const parsed = (lines: readonly string[]): unknown[] => lines.map((line): unknown => JSON.parse(line));

t.test('a line is one JSON object with time, level, message and the fields of all parents', (t) => {
  const { logger, lines } = capture('info');
  logger.debug('not written');
  const child = logger.child({ plugin: 'network' }).child({ container: 'c1' });
  child.warn('slow\nanswer', { ms: 12, level: 'cannot be replaced', bytes: Buffer.alloc(3), big: 5n, none: undefined });
  t.strictSame(parsed(lines), [
    {
      time: '1970-01-01T00:00:00.000Z',
      level: 'warn',
      message: 'slow\nanswer',
      plugin: 'network',
      container: 'c1',
      ms: 12,
      bytes: '[3 bytes]',
      big: '5',
    },
  ]);
  t.ok(lines[0]?.startsWith('{"time":') && lines[0].endsWith('}\n') && lines[0].split('\n').length === 2);
  t.equal(child.isEnabled('debug'), false);
  t.equal(child.isEnabled('info'), true);
  t.end();
});

t.test('secrets do not get into a line, by name of a field or inside a URL', (t) => {
  const { logger, lines } = capture();
  logger.info('pull from https://user:hunter2@registry.example/v2', {
    password: 'hunter2',
    registryToken: 'hunter2',
    Authorization: 'Basic hunter2',
    nested: { 'x-registry-auth': 'fine', privateKey: 'hunter2', list: [{ secret: { value: 'hunter2' } }] },
    nats: 'nats://hunter2@127.0.0.1:4222',
    error: new Error('fetch of http://a:hunter2@b failed'),
    tokenCount: 7,
  });
  t.notMatch(lines[0], /hunter2/);
  t.match(parsed(lines)[0], { message: 'pull from https://[redacted]@registry.example/v2', password: '[redacted]' });
  t.end();
});

t.test('an error shows what helps: its class and code, its causes, a stack only when nobody expected it', (t) => {
  const { logger, lines } = capture();
  const cause = new TypeError('x is not a function');
  const error = new CleatError('not_found', 'VOLUME_NOT_FOUND', 'volume data does not exist', { hint: 'Create it.', cause });
  logger.error('create failed', { error });
  t.match(parsed(lines)[0], {
    error: {
      class: 'not_found',
      code: 'VOLUME_NOT_FOUND',
      message: 'volume data does not exist',
      hint: 'Create it.',
      stack: undefined,
      cause: { message: 'x is not a function', stack: /logger\.test/ },
    },
  });
  t.end();
});

t.test('a line is bounded, whatever the fields are', (t) => {
  const { logger, lines } = capture();
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const wide = (depth: number): unknown => (depth === 0 ? 'x' : Array.from({ length: 40 }, () => wide(depth - 1)));
  logger.info('m'.repeat(100_000), { text: 't'.repeat(1_000_000), cyclic, wide: wide(3), map: new Map([['k', new Set([1])]]) });
  logger.info('many', Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`f${n}`, '\u0001'.repeat(4000)])));
  t.equal(lines.length, 2);
  t.ok(lines.every((line) => Buffer.byteLength(line) <= 16_385));
  t.match(parsed(lines)[1], { message: 'many', truncatedBytes: Number });
  t.end();
});

t.test('a line that cannot be written fails nobody and is counted in the next one that can', (t) => {
  const lines: string[] = [];
  let isBroken = true;
  const write = (line: string): void => {
    if (isBroken) throw new Error('EAGAIN');
    lines.push(line);
  };
  const logger = createLogger({ write });
  logger.info('lost');
  logger.child({ a: 1 }).info('lost too', {
    get broken(): string {
      throw new Error('a getter');
    },
  });
  isBroken = false;
  logger.info('seen');
  logger.info('again');
  t.match(parsed(lines), [{ message: 'seen', droppedLines: 2 }, { message: 'again' }]);
  t.notMatch(lines[1], /droppedLines/);
  t.end();
});
