import t from 'tap';
import { Heart } from '../src/run/heart.ts';

t.test('at each moment one of the plugins of a process beats, and each has its turn', (t) => {
  const heart = new Heart();
  const members = [{ name: 'one' }, { name: 'two' }, { name: 'three' }];
  for (const member of members) heart.join(member, () => undefined);
  const names = Array.from({ length: 6 }, (_, beat) => members.filter((member) => heart.isTurnOf(member, 5_000, beat * 5_000 + 3)));
  t.same(
    names.map((having) => having.map(({ name }) => name)),
    [['one'], ['two'], ['three'], ['one'], ['two'], ['three']],
  );
  t.end();
});

t.test('who is alone always has the turn; who hears that it is unknown makes all others ask, but none that has left', (t) => {
  const heart = new Heart();
  const asked: string[] = [];
  const one = {};
  heart.join(one, () => asked.push('one'));
  t.ok(heart.isTurnOf(one, 5_000));
  heart.join({}, () => asked.push('two'));
  const leave = heart.join({}, () => asked.push('three'));
  leave();
  heart.askOthers(one);
  t.same(asked, ['two']);
  t.end();
});
