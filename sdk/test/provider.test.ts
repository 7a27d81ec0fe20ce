import type { Manifest } from '@cleat/schemas';
import t from 'tap';
import { Deadline, type ProviderHandlers, type ReconcileAll } from '../src/index.ts';
import type { TestNode } from '../src/testing/index.ts';
import { aborted, failure, Latch, openNode, runHere, until } from './fixture.ts';

const MANIFEST: Manifest = {
  cleat: 1,
  name: 'fake',
  version: '1.0.0',
  contracts: { provider: ['1.0'] },
  provides: [{ kind: 'fake', reserve: true, attach: true }],
};

function reference(node: TestNode, number: number, claim = 'data') {
  return { object: `c1/${claim}`, container: 'c1', claim, bootId: node.kernel.bootId, number };
}

/** What a provider was asked, in order. */
class Recorder {
  readonly steps: string[] = [];

  note(step: string): void {
    this.steps.push(step);
  }

  handlers(more: Partial<ProviderHandlers> = {}): ProviderHandlers {
    return {
      reserve: async ({ reference: { number } }) => {
        this.note(`reserve ${number}`);
        return { status: `{"n":${number}}` };
      },
      release: async ({ reference: { number }, purge }) => {
        this.note(`release ${number} ${purge}`);
        return {};
      },
      attach: async ({ reference: { number } }) => {
        this.note(`attach ${number}`);
        return { contribution: { environment: [`N=${number}`] } };
      },
      detach: async ({ reference: { number } }) => {
        this.note(`detach ${number}`);
        return {};
      },
      reconcile: async () => ({}),
      ...more,
    };
  }
}

async function provider(t: Parameters<typeof openNode>[0], handlers: ProviderHandlers): Promise<TestNode> {
  const node = await openNode(t);
  await runHere(t, node, { manifest: MANIFEST, setup: () => ({ providers: { fake: handlers } }) });
  return node;
}

t.test('list is answered by a kind that has drivers, and unknown to another', async (t) => {
  const list = async ({ driver }: { readonly driver: string }) => ({ count: 1, names: [`of ${driver}`] });
  const node = await provider(t, { reconcile: async () => ({}), list });
  t.match(await node.provider('fake', 'list', { driver: 'deep' }), { count: 1, names: ['of deep'] });
  const other = await provider(t, { reconcile: async () => ({}) });
  t.match(await failure(other.provider('fake', 'list', { driver: 'deep' })), { class: 'unimplemented', code: 'OPERATION_UNKNOWN' });
});

t.test('a number below the highest seen is refused, and an equal one gets the same answer', async (t) => {
  const recorder = new Recorder();
  const node = await provider(t, recorder.handlers());
  await node.provider('fake', 'reserve', { reference: reference(node, 3), options: '{}' });
  const again = await node.provider('fake', 'reserve', { reference: reference(node, 3), options: '{}' });
  t.equal(again.status, '{"n":3}');
  t.same(recorder.steps, ['reserve 3']);
  const error = await failure(node.provider('fake', 'attach', { reference: reference(node, 2), options: '{}' }));
  t.match(error, { class: 'conflict', code: 'FENCED' });
  t.same(recorder.steps, ['reserve 3']);
});

t.test('an attach that is not above the last detach is refused', async (t) => {
  const recorder = new Recorder();
  const node = await provider(t, recorder.handlers());
  await node.provider('fake', 'attach', { reference: reference(node, 2), options: '{}' });
  await node.provider('fake', 'detach', { reference: reference(node, 2) });
  t.equal((await failure(node.provider('fake', 'attach', { reference: reference(node, 2), options: '{}' }))).code, 'FENCED');
  await node.provider('fake', 'attach', { reference: reference(node, 3), options: '{}' });
  t.same(recorder.steps, ['attach 2', 'detach 2', 'attach 3']);
});

t.test('a detach ends an attach in progress, and begins when that has settled', async (t) => {
  const recorder = new Recorder();
  const begun = new Latch();
  const node = await provider(
    t,
    recorder.handlers({
      attach: async ({ reference: { number } }, call) => {
        recorder.note(`attach ${number}`);
        begun.open();
        try {
          return await aborted(call);
        } finally {
          recorder.note('attach aborted');
        }
      },
    }),
  );
  const attach = failure(node.provider('fake', 'attach', { reference: reference(node, 2), options: '{}' }));
  await begun.opened;
  await node.provider('fake', 'detach', { reference: reference(node, 3) });
  t.equal((await attach).code, 'FENCED');
  t.same(recorder.steps, ['attach 2', 'attach aborted', 'detach 3']);
});

t.test('a newer attach first ends the one before', async (t) => {
  const recorder = new Recorder();
  const node = await provider(t, recorder.handlers());
  await node.provider('fake', 'attach', { reference: reference(node, 2), options: '{}' });
  await node.provider('fake', 'attach', { reference: reference(node, 4), options: '{}' });
  t.same(recorder.steps, ['attach 2', 'detach 2', 'attach 4']);
});

t.test('a release ends an attach, and nothing of before it comes back', async (t) => {
  const recorder = new Recorder();
  const node = await provider(t, recorder.handlers());
  await node.provider('fake', 'reserve', { reference: reference(node, 1), options: '{}' });
  await node.provider('fake', 'attach', { reference: reference(node, 2), options: '{}' });
  await node.provider('fake', 'release', { reference: reference(node, 3), purge: true });
  t.same(recorder.steps, ['reserve 1', 'attach 2', 'detach 2', 'release 3 true']);
  for (const operation of ['reserve', 'attach'] as const) {
    t.equal((await failure(node.provider('fake', operation, { reference: reference(node, 3), options: '{}' }))).code, 'FENCED');
  }
  await node.provider('fake', 'reserve', { reference: reference(node, 4), options: '{}' });
});

t.test('calls of one claim come one after another, those of different claims at the same time', async (t) => {
  const recorder = new Recorder();
  const latch = new Latch();
  const node = await provider(
    t,
    recorder.handlers({
      update: async ({ reference: { number, claim } }) => {
        recorder.note(`${claim} ${number} begins`);
        if (claim === 'data') await latch.opened;
        recorder.note(`${claim} ${number} ends`);
        return {};
      },
    }),
  );
  const first = node.provider('fake', 'update', { reference: reference(node, 1) });
  await until('the first has begun', () => recorder.steps.length === 1);
  const second = node.provider('fake', 'detach', { reference: reference(node, 2) });
  await node.provider('fake', 'update', { reference: reference(node, 1, 'other') });
  latch.open();
  await Promise.all([first, second]);
  t.same(recorder.steps, ['data 1 begins', 'other 1 begins', 'other 1 ends', 'data 1 ends', 'detach 2']);
});

t.test('until a reconcile is answered everything else waits, and its pages are put together', async (t) => {
  const recorder = new Recorder();
  const latch = new Latch();
  const seen: ReconcileAll[] = [];
  const node = await openNode(t);
  const held = Array.from({ length: 5 }, (_, index) => ({
    reference: { ...reference(node, 7), object: `o${index}`, claim: `c${index}` },
    options: JSON.stringify({ pad: 'x'.repeat(300_000) }),
  }));
  const owed = [{ reference: reference(node, 9, 'gone'), operation: 'release', purge: true }];
  node.kernel.holdings.set('fake', { held, owed });
  let isFirst = true;
  const running = runHere(t, node, {
    manifest: MANIFEST,
    setup: () => ({
      providers: {
        fake: recorder.handlers({
          reconcile: async (all) => {
            seen.push(all);
            if (isFirst) await latch.opened;
            isFirst = false;
            return { failures: [{ reference: reference(node, 9, 'gone'), reason: 'busy' }] };
          },
        }),
      },
    }),
  });
  await until('the reconcile has begun', () => seen.length === 1);
  const attach = node.provider('fake', 'attach', { reference: { ...reference(node, 7), object: 'o1', claim: 'c1' }, options: '{}' });
  t.same(recorder.steps, []);
  latch.open();
  await attach;
  await running;
  t.same(recorder.steps, ['attach 7']);
  t.equal(seen[0]?.held.length, 5);
  t.same(
    seen[0]?.owed.map(({ operation }) => operation),
    ['release'],
  );
  t.equal(node.kernel.holdings.get('fake')?.owed.length, 1, 'what could not be done is still owed');
  t.equal(
    (await failure(node.provider('fake', 'attach', { reference: { ...reference(node, 6), object: 'o1', claim: 'c1' }, options: '{}' })))
      .code,
    'FENCED',
  );
  t.equal((await failure(node.provider('fake', 'reserve', { reference: reference(node, 9, 'gone'), options: '{}' }))).code, 'FENCED');
});

t.test('another reconcile ends what is in progress first', async (t) => {
  const recorder = new Recorder();
  const begun = new Latch();
  const node = await provider(
    t,
    recorder.handlers({
      attach: async (_request, call) => {
        begun.open();
        return aborted(call).finally(() => recorder.note('aborted'));
      },
      reconcile: async () => {
        recorder.note('reconcile');
        return {};
      },
    }),
  );
  const attach = failure(node.provider('fake', 'attach', { reference: reference(node, 2), options: '{}' }));
  await begun.opened;
  await node.kernel.reconcile('fake');
  t.equal((await attach).code, 'FENCED');
  t.same(recorder.steps, ['reconcile', 'aborted', 'reconcile']);
});

t.test('numbers of another boot begin anew', async (t) => {
  const recorder = new Recorder();
  const node = await provider(t, recorder.handlers());
  await node.provider('fake', 'reserve', { reference: reference(node, 9), options: '{}' });
  await node.provider('fake', 'reserve', { reference: { ...reference(node, 1), bootId: 'another' }, options: '{}' });
  t.same(recorder.steps, ['reserve 9', 'reserve 1']);
});

t.test('a call whose deadline passes while it waits is never begun', async (t) => {
  const recorder = new Recorder();
  const latch = new Latch();
  const node = await provider(
    t,
    recorder.handlers({
      update: async () => {
        recorder.note('update');
        await latch.opened;
        return {};
      },
    }),
  );
  const first = node.provider('fake', 'update', { reference: reference(node, 1) });
  await until('the first has begun', () => recorder.steps.length === 1);
  const late = failure(
    node.provider('fake', 'attach', { reference: reference(node, 2), options: '{}' }, { deadline: Deadline.after(200) }),
  );
  t.equal((await late).class, 'deadline_exceeded');
  latch.open();
  await first;
  await node.provider('fake', 'detach', { reference: reference(node, 3) });
  t.same(recorder.steps, ['update', 'detach 3']);
});

t.test('garbage is refused, named, and harms nothing', async (t) => {
  const recorder = new Recorder();
  const node = await provider(t, recorder.handlers());
  t.equal(
    (await failure(node.raw('provider.fake', 'attach', Buffer.from('garbage'), new Map([['Cleat-Schema', '0000000000000000']])))).code,
    'SCHEMA_UNKNOWN',
  );
  t.equal((await failure(node.raw('provider.fake', 'attach', Buffer.from([1, 2, 3])))).code, 'SCHEMA_MISMATCH');
  t.equal((await failure(node.raw('provider.fake', 'explode', Buffer.alloc(0)))).code, 'OPERATION_UNKNOWN');
  t.equal(
    (await failure(node.provider('fake', 'reserve', { reference: { object: '', bootId: 'b', number: 1 }, options: '{}' }))).code,
    'REFERENCE_INVALID',
  );
  await node.provider('fake', 'reserve', { reference: reference(node, 1), options: '{}' });
  t.same(recorder.steps, ['reserve 1']);
});
