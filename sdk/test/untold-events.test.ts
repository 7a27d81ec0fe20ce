import t from 'tap';
import { type Telling, type UntoldEvent, UntoldEvents, untoldEvent } from '../src/index.ts';

/** A store as a plugin has it: records in a list, which whoever opens it again replays. */
class Store {
  readonly events = new UntoldEvents();
  readonly #records: (UntoldEvent | string)[];

  constructor(records: (UntoldEvent | string)[] = []) {
    this.#records = records;
    for (const record of records) this.#apply(record);
  }

  reopened(): Store {
    return new Store(this.#records);
  }

  change(subject: string): UntoldEvent {
    const untold = untoldEvent({ type: 'box.opened', subject });
    this.#write(untold);
    return untold;
  }

  /** Tells, and resolves with what was published, as "subject key". */
  async tell(more: Partial<Telling> = {}): Promise<readonly string[]> {
    const published: string[] = [];
    await this.events.tell({
      publish: async ({ subject }, { key }) => void published.push(`${subject} ${key}`),
      told: (key) => this.#write(key),
      onFailure: (error) => {
        throw error;
      },
      ...more,
    });
    return published;
  }

  #write(record: UntoldEvent | string): void {
    this.#records.push(JSON.parse(JSON.stringify(record)) as UntoldEvent | string);
    this.#apply(record);
  }

  #apply(record: UntoldEvent | string): void {
    if (typeof record === 'string') this.events.drop(record);
    else this.events.add(record);
  }
}

const line = ({ key, event }: UntoldEvent): string => `${event.subject} ${key}`;

t.test('what was written is told once, in order', async (t) => {
  const store = new Store();
  const written = ['a', 'b', 'c'].map((subject) => store.change(subject));
  t.equal(new Set(written.map(({ key }) => key)).size, 3);
  t.same(await store.tell(), written.map(line));
  t.same(await store.tell(), []);
  t.same(store.reopened().events.all, []);
});

t.test('a process that is killed after it has published leaves the event to the next, under the same key', async (t) => {
  const store = new Store();
  const written = store.change('a');
  const failures: unknown[] = [];
  const killed = {
    told: () => {
      throw new Error('killed');
    },
    onFailure: (error: unknown) => void failures.push(error),
  };
  t.same(await store.tell(killed), [line(written)]);
  t.equal(failures.length, 1);
  const next = store.reopened();
  t.same(await next.tell(), [line(written)]);
  t.same(next.reopened().events.all, []);
});

t.test('a failure ends a telling, and the next one goes on there', async (t) => {
  const store = new Store();
  const [first, second, third] = ['a', 'b', 'c'].map((subject) => store.change(subject));
  const published: string[] = [];
  const failures: unknown[] = [];
  await store.tell({
    publish: async ({ subject = '' }) => {
      if (subject === 'b') throw new Error('nobody takes it');
      published.push(subject);
    },
    onFailure: (error) => void failures.push(error),
  });
  t.same(published, ['a']);
  t.match(failures, [{ message: 'nobody takes it' }]);
  t.notOk(store.events.has(first?.key ?? ''));
  t.same(
    await store.tell(),
    [second, third].flatMap((untold) => (untold === undefined ? [] : [line(untold)])),
  );
});

t.test('two tellings at a time publish nothing twice', async (t) => {
  const store = new Store();
  const written = ['a', 'b'].map((subject) => store.change(subject));
  const [one, other] = await Promise.all([store.tell(), store.tell()]);
  t.same([...one, ...other], written.map(line));
});

t.test('one that is held back waits and holds up no other, and is forgotten with its object', async (t) => {
  const store = new Store();
  const [held, other] = [store.change('a'), store.change('b')];
  t.same(await store.tell({ isHeldBack: ({ subject }) => subject === 'a' }), [line(other)]);
  t.same(store.events.all, [held]);
  store.events.forget('a');
  t.same(await store.tell(), []);
});
