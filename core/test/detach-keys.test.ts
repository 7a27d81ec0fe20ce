import t from 'tap';
import { DetachDetector, parseDetachKeys } from '../src/terminal/index.ts';

t.test('detach keys are found however what is typed is cut into pieces', async (t) => {
  const keys = new DetachDetector(parseDetachKeys('ctrl-p,ctrl-q'));
  t.same(keys.feed(Buffer.from('ls\x10')), { data: Buffer.from('ls'), isDetached: false }, 'the first key is kept back');
  t.same(keys.feed(Buffer.from('x')), { data: Buffer.from('\x10x'), isDetached: false }, 'and passed on when the second does not come');
  t.same(keys.feed(Buffer.from('\x10\x10\x11never')), { data: Buffer.from('\x10'), isDetached: true });
  t.same(new DetachDetector([]).feed(Buffer.from('\x10\x11')), { data: Buffer.from('\x10\x11'), isDetached: false });
});

t.test('detach keys are written as Docker has them', async (t) => {
  t.same(parseDetachKeys('ctrl-p,ctrl-q'), [16, 17]);
  t.same(parseDetachKeys('a,ctrl-@,ctrl-_'), [97, 0, 31]);
  t.same(parseDetachKeys(''), []);
  t.throws(() => parseDetachKeys('ctrl-1'), { code: 'DETACH_KEYS_INVALID', message: /"ctrl-1"/ });
});
