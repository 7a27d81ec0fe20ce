import t from 'tap';
import { AddressPool, completePool } from '../src/address-pool.ts';

const pool = (subnet: string, more: { range?: string; gateway?: string; auxiliary?: Record<string, string> } = {}): AddressPool =>
  new AddressPool(completePool({ subnet, range: '', gateway: '', auxiliary: {}, ...more }));

t.test('addresses are given out one after another, and one given back is not the next', async (t) => {
  const addresses = pool('172.17.0.0/16');
  t.equal(addresses.take(), '172.17.0.2');
  t.equal(addresses.take(), '172.17.0.3');
  addresses.giveBack('172.17.0.2');
  t.equal(addresses.take(), '172.17.0.4');
});

t.test('every address of a subnet is given out once, and none twice', async (t) => {
  const addresses = pool('10.0.0.0/24', { auxiliary: { router: '10.0.0.7' } });
  const given = new Set<string>();
  for (let index = 0; index < 252; index += 1) given.add(addresses.take());
  t.equal(given.size, 252);
  for (const never of ['10.0.0.0', '10.0.0.1', '10.0.0.7', '10.0.0.255']) t.notOk(given.has(never), never);
  t.throws(() => addresses.take(), { code: 'NETWORK_ADDRESS_POOL_EMPTY' });
  addresses.giveBack('10.0.0.77');
  t.equal(addresses.take(), '10.0.0.77');
});

t.test('whatever order addresses are taken and given back in, no two holders share one', async (t) => {
  const addresses = pool('10.1.0.0/26', { range: '10.1.0.16/28' });
  const held = new Set<string>();
  let seed = 42;
  const random = (limit: number): number => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % limit;
  };
  for (let step = 0; step < 5000; step += 1) {
    if (random(2) === 0 && held.size < 15) {
      const address = addresses.take();
      if (held.has(address)) t.fail(`${address} is held twice`);
      held.add(address);
    } else {
      const victim = [...held][random(Math.max(1, held.size))];
      if (victim === undefined) continue;
      held.delete(victim);
      addresses.giveBack(victim);
    }
  }
  t.ok(
    [...held].every((address) => Number(address.split('.')[3]) >= 16 && Number(address.split('.')[3]) < 32),
    'all are of the range',
  );
});

t.test('a given address is held, refused when taken and refused outside', async (t) => {
  const addresses = pool('10.2.0.0/24');
  addresses.claim('10.2.0.2');
  t.throws(() => addresses.claim('10.2.0.2'), { code: 'NETWORK_ADDRESS_IN_USE', message: 'Address already in use: 10.2.0.2' });
  for (const address of ['10.2.0.0', '10.2.0.1', '10.2.0.255'])
    t.throws(() => addresses.claim(address), { code: 'NETWORK_ADDRESS_IN_USE' });
  t.throws(() => addresses.claim('10.3.0.2'), { code: 'NETWORK_ADDRESS_OUTSIDE' });
  t.equal(addresses.take(), '10.2.0.3');
});

t.test('IPv6 subnets give out addresses too', async (t) => {
  const addresses = pool('2001:db8::/64');
  t.equal(addresses.take(), '2001:db8::2');
  addresses.claim('2001:db8::ffff:ffff:ffff:ffff');
  t.throws(() => addresses.claim('2001:db8:0:1::2'), { code: 'NETWORK_ADDRESS_OUTSIDE' });
});

t.test('a pool is completed, or refused when its parts do not fit together', async (t) => {
  const complete = (subnet: string, more: Record<string, unknown> = {}): unknown =>
    completePool({ subnet, range: '', gateway: '', auxiliary: {}, ...more });
  t.match(complete('10.0.0.9/24'), { subnet: '10.0.0.0/24', gateway: '10.0.0.1' });
  t.match(complete('10.0.0.0/24', { auxiliary: { first: '10.0.0.1' } }), { gateway: '10.0.0.2' });
  t.match(complete('10.0.0.0/24', { gateway: '10.0.0.254' }), { gateway: '10.0.0.254' });
  t.throws(() => complete('10.0.0.0/24', { gateway: '10.0.1.1' }), { code: 'NETWORK_POOL_INVALID' });
  t.throws(() => complete('10.0.0.0/24', { range: '10.0.1.0/28' }), { code: 'NETWORK_POOL_INVALID' });
  t.throws(() => complete('10.0.0.0/24', { range: 'fd00::/64' }), { code: 'NETWORK_POOL_INVALID' });
  t.throws(() => complete('10.0.0.0/24', { auxiliary: { other: '10.0.1.1' } }), { code: 'NETWORK_POOL_INVALID' });
  t.throws(() => complete('10.0.0.0/31'), { code: 'NETWORK_POOL_INVALID' });
  for (const wrong of ['10.0.0.0', '10.0.0.0/33', '10.0.0/24', 'x/24', '10.0.0.0/24/1', 'fd00::/129']) {
    t.throws(() => complete(wrong), { code: 'NETWORK_SUBNET_INVALID' });
  }
});
