import t from 'tap';
import type { NetworkDefinition } from '../src/model.ts';
import { NetworkStore, type OpenJournal, type StoredRecord } from '../src/network-store.ts';

const NETWORK: NetworkDefinition = {
  ...{ id: 'ab'.repeat(32), name: 'front', driver: 'bridge', createdAt: '1', bridge: 'br-1' },
  ...{ internal: false, attachable: false, ipv4: true, ipv6: false, isPoolPicked: false, isPredefined: false },
  ...{ ipamOptions: {}, pools: [], options: {}, labels: {} },
};
const CREATED = { type: 'network.created', subject: NETWORK.id };
const REMOVED = { type: 'network.removed', subject: NETWORK.id };

/** A journal in memory: whoever opens it again is the process after a kill. */
function journalOf(records: StoredRecord[]): OpenJournal {
  return (replay) => {
    for (const record of records) replay(record);
    const write = (schema: string, payload: Uint8Array): number => records.push({ schema, payload });
    const done = (): Promise<void> => Promise.resolve();
    return Promise.resolve({ needsRotation: false, write, sync: () => Promise.resolve(0), rotate: done, close: done });
  };
}

t.test('an event is written with the network, and under the same key until it has been told', async (t) => {
  const open = journalOf([]);
  const store = await NetworkStore.open(open);
  store.putNetwork(NETWORK, CREATED);
  const [written] = store.untold();
  t.match(written, { event: CREATED });
  const next = await NetworkStore.open(open);
  t.same(next.untold(), [written], 'a process that was killed leaves it to the next');
  next.told(written?.key ?? '');
  next.removeNetwork(NETWORK.id, REMOVED);
  const last = await NetworkStore.open(open);
  t.match(last.untold(), [{ event: REMOVED }]);
  t.equal(last.untold().length, 1);
});

t.test('nobody is told of a network that could not be made', async (t) => {
  const open = journalOf([]);
  const store = await NetworkStore.open(open);
  store.putNetwork(NETWORK, CREATED);
  store.removeNetwork(NETWORK.id);
  t.same(store.untold(), []);
  t.same((await NetworkStore.open(open)).untold(), []);
});
