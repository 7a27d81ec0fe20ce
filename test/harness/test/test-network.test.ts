import { existsSync } from 'node:fs';
import t from 'tap';
import { needs, testNetwork } from '../src/index.ts';

t.test('a test network has loopback alone, and is gone after the test', async (t) => {
  if (!needs(t, 'root', 'ip')) return;
  let path = '';
  await t.test('inner', async (t) => {
    const network = await testNetwork(t);
    path = network.path;
    const { stdout } = await network.run(['ip', '-brief', 'link']);
    t.match(stdout, /^lo +UNKNOWN/);
    t.equal(
      stdout
        .trim()
        .split('\n')
        .filter((line) => !/^(lo|tunl|gre|erspan|ip6|sit)/.test(line)).length,
      0,
    );
    t.equal((await network.run(['ip', 'link', 'add', 'one', 'type', 'bridge'])).code, 0);
  });
  t.notOk(existsSync(path));
});
