import { waitFor } from '@cleat/harness';
import t from 'tap';
import { CONTAINER, openLogLab } from './log-lab.ts';

t.test('a follower gets what is there, what comes, and the end when the container exits', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'before\n');
  const client = await lab.open({ follow: true });
  await waitFor('what was there', () => client.text(1) === 'before\n');
  lab.spool.write('stdout', 'after\n');
  lab.spool.write('stderr', 'too\n');
  await waitFor('what came', () => client.text(1) === 'before\nafter\n' && client.text(2) === 'too\n');
  lab.spool.write('stdout', 'last, without an end');
  lab.spool.exit();
  lab.events.send('container.exited');
  await client.end();
  t.equal(client.text(1), 'before\nafter\nlast, without an end');
});

t.test('a container that does not run is not followed', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'all\n');
  lab.spool.exit();
  t.equal((await lab.read({ follow: true })).text(1), 'all\n');
  t.equal(lab.events.listeners, 0);
});

t.test('a follower loses and doubles nothing over rotations, whenever they come', async (t) => {
  const lab = openLogLab(t);
  const client = await lab.open({ follow: true });
  let expected = '';
  for (let line = 0; line < 2_000; line += 1) {
    const text = `line ${line}\n`;
    expected += text;
    lab.spool.write('stdout', text);
    if (line % 90 === 0) {
      lab.spool.beginRotation();
      // Until the monitor has begun the new file it goes on with the old one, whose name is gone.
      if (line % 180 === 0) await new Promise((resolve) => setImmediate(resolve));
      lab.spool.endRotation();
    }
    if (line % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await waitFor('all lines', () => client.text(1).length >= expected.length);
  lab.spool.exit();
  lab.events.send('container.exited');
  await client.end();
  t.ok(client.text(1) === expected);
});

t.test('a line is given when it is whole, as in Docker, also when its pieces are in two segments', async (t) => {
  const lab = openLogLab(t);
  const client = await lab.open({ follow: true, timestamps: true });
  lab.spool.write('stdout', 'prompt: ');
  lab.spool.rotate();
  lab.spool.write('stderr', 'mark\n');
  await waitFor('the other stream', () => client.text(2) !== '');
  t.equal(client.text(1), '');
  lab.spool.write('stdout', 'answer\n');
  await waitFor('the line', () => client.text(1) !== '');
  t.match(client.text(1), /^\S+Z prompt: answer\n$/);
});

t.test('tail and follow together begin at the tail and miss nothing after it', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'one\ntwo\nthree\nbegun ');
  const last = await lab.open({ follow: true, tail: 1 });
  const none = await lab.open({ follow: true, tail: 0 });
  await waitFor('the tail', () => last.text(1) === 'three\n');
  lab.spool.write('stdout', 'done\n');
  await waitFor('the rest', () => last.text(1) === 'three\nbegun done\n' && none.text(1) === 'begun done\n');
  t.pass();
});

t.test('an end that no event told of is found', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'x\n');
  const client = await lab.open({ follow: true });
  await waitFor('the log', () => client.text(1) === 'x\n');
  lab.spool.isRunning = false;
  await client.end();
  t.pass();
});

t.test('a removed container ends its followers', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'x\n');
  const client = await lab.open({ follow: true });
  await waitFor('the log', () => client.text(1) === 'x\n');
  lab.spool.isRemoved = true;
  lab.events.send('container.removed');
  await client.end();
  t.equal(client.text(1), 'x\n');
});

t.test('while the kernel is away a log is followed on, and its end is told when it is back', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'x\n');
  const client = await lab.open({ follow: true });
  await waitFor('the log', () => client.text(1) === 'x\n');
  lab.spool.isAway = true;
  lab.spool.write('stdout', 'y\n');
  await waitFor('what came', () => client.text(1) === 'x\ny\n');
  lab.spool.write('stdout', 'z\n');
  lab.spool.exit();
  lab.events.send('container.exited');
  await waitFor('the last', () => client.text(1) === 'x\ny\nz\n');
  t.notOk(client.hasEnded);
  lab.spool.isAway = false;
  await client.end();
  t.equal(client.text(1), 'x\ny\nz\n');
});

t.test('until ends a follower, also of a container that says nothing', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'x\n');
  const client = await lab.open({ follow: true, until: BigInt(Date.now() + 300) * 1_000_000n });
  await client.end();
  t.match(client.text(1), /^(x\n)?$/, 'the clock of the test log is ahead');
});

t.test('followers share one subscription, which ends with the last of them', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'x\n');
  const clients = await Promise.all(Array.from({ length: 30 }, () => lab.open({ follow: true })));
  await waitFor('all of them', () => clients.every((client) => client.text(1) === 'x\n'));
  t.equal(lab.events.listeners, 1);
  lab.spool.write('stdout', 'y\n');
  await waitFor('the same for all', () => clients.every((client) => client.text(1) === 'x\ny\n'));
  for (const { socket } of clients) socket.destroy();
  await Promise.all(clients.map(({ reading }) => reading));
  await waitFor('nobody to listen', () => lab.events.listeners === 0);
  const lists = lab.spool.lists;
  lab.events.send('container.exited', CONTAINER);
  t.equal(lab.spool.lists, lists, 'nobody follows, nothing is asked');
});

t.test('the end of the plugin ends its followers', async (t) => {
  const lab = openLogLab(t);
  const client = await lab.open({ follow: true });
  await waitFor('the follower', () => lab.events.listeners === 1);
  lab.stopping.abort();
  await client.end();
  t.pass();
});
