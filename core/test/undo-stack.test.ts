import t from 'tap';
import { UndoStack } from '../src/undo/index.ts';

t.test('what was done last is undone first, and a failing step does not stop the others', async (t) => {
  const undone: string[] = [];
  const stack = new UndoStack();
  stack.push('reserve address', () => void undone.push('address'));
  stack.push('create link', async () => {
    throw new Error('link is busy');
  });
  stack.push('add route', () => {
    throw new Error('no such route');
  });
  stack.push('pin namespace', async () => void undone.push('namespace'));
  await t.rejects(stack.run(), {
    class: 'internal',
    code: 'UNDO_INCOMPLETE',
    message: 'could not take back add route: no such route; create link: link is busy',
    details: { steps: 'add route,create link' },
    cause: { errors: [{ message: 'no such route' }, { message: 'link is busy' }] },
  });
  t.strictSame(undone, ['namespace', 'address']);
  t.equal(stack.size, 0);
  await stack.run();
});

t.test('an operation that succeeded is not undone', async (t) => {
  const stack = new UndoStack();
  stack.push('act', () => void t.fail('must not run'));
  stack.clear();
  await stack.run();
  t.equal(stack.size, 0);
});
