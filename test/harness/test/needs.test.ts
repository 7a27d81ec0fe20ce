import t from 'tap';
import { hasCapability, needs } from '../src/index.ts';

t.test('a test goes on when the machine has all that it needs', (t) => {
  t.equal(needs(t, 'ip'), true);
  t.end();
});

t.test('a test is skipped with the missing capability as the reason', (t) => {
  const plans: unknown[][] = [];
  const context = { plan: (...args: unknown[]): void => void plans.push(args) };
  t.equal(needs(context, 'ip', 'qemu-system-x86_64', 'kvm'), hasCapability('qemu-system-x86_64') && hasCapability('kvm'));
  if (!hasCapability('kvm')) t.match(plans[0]?.[1], /^needs .*kvm$/);
  t.end();
});
