import type { ReceivedEvent } from '@cleat/sdk';
import t from 'tap';
import { isWanted } from '../src/commands/events.ts';
import { eventLine } from '../src/events/event-text.ts';

const ID = 'ab'.repeat(32);

const EVENT: ReceivedEvent = {
  sequence: 42,
  type: 'container.exited',
  subject: ID,
  time: 1_772_366_400_123_456_789n,
  objectSequence: 7,
  data: {
    actor: { principal: 'uid:0', caller: 'operator' },
    name: 'web\u001b[2J',
    labels: { a: 'b' },
    attributes: { image: 'busybox' },
    exitCode: 0,
    oomKilled: false,
    run: 1,
    durationNs: 1_500_000_000,
  },
};

t.test('the table has a line an event, whatever names hold', async (t) => {
  t.equal(
    eventLine(EVENT, { node: 'n1', format: 'table' }),
    '2026-03-01T12:00:00.123456789Z  container.exited       abababababab  web\\x1b[2J exitCode=0 run=1 image=busybox after=1.5s by=uid:0\n',
  );
});

t.test('a CloudEvent has the attributes of the specification', async (t) => {
  t.match(JSON.parse(eventLine(EVENT, { node: 'n1', format: 'cloudevents' })), {
    specversion: '1.0',
    id: 'n1:42',
    source: '/nodes/n1',
    type: 'dev.cleat.container.exited.v1',
    subject: ID,
    time: '2026-03-01T12:00:00.123456789Z',
    datacontenttype: 'application/json',
    sequence: '00000000000000000042',
    objectsequence: '7',
    data: { exitCode: 0 },
  });
});

t.test('events are chosen by type, object and time', async (t) => {
  const wants = (types: readonly string[], subjects: readonly string[], since = 0n): boolean => isWanted(EVENT, { types, subjects, since });
  t.equal(wants([], []), true);
  t.equal(wants(['container.*'], []), true);
  t.equal(wants(['container.exited', 'image.*'], []), true);
  t.equal(wants(['image.*'], []), false);
  t.equal(wants(['contain.*'], []), false);
  t.equal(wants([], [ID]), true);
  t.equal(wants([], [ID.slice(0, 12)]), true);
  t.equal(wants([], [ID.slice(0, 3)]), false, 'a short beginning may be a name');
  t.equal(wants([], ['other', 'web\u001b[2J']), true, 'by name');
  t.equal(wants([], [], EVENT.time + 1n), false);
});
