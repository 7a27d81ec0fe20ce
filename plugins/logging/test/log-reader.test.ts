import { randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { waitFor } from '@cleat/harness';
import t from 'tap';
import { type Client, type FakeSpool, openLogLab } from './log-lab.ts';

/** Numbers that are the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state % below;
  };
}

function texts(client: Client): readonly string[] {
  return client.frames.map(({ stream, data }) => `${stream} ${data.toString()}`);
}

t.test('every line is a frame of its stream, in the order in which they were written', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'one\ntwo\n');
  lab.spool.write('stderr', 'three\n');
  lab.spool.rotate();
  lab.spool.write('stdout', 'four\nrest');
  t.strictSame(texts(await lab.read()), ['1 one\n', '1 two\n', '2 three\n', '1 four\n', '1 rest']);
  t.strictSame(texts(await lab.read({ stderr: false })), ['1 one\n', '1 two\n', '1 four\n', '1 rest']);
  t.strictSame(texts(await lab.read({ stdout: false })), ['2 three\n']);
  t.equal((await lab.read({ frames: false })).bytes.toString(), 'one\ntwo\nthree\nfour\nrest', 'raw for a terminal');
});

t.test('timestamps and details stand ahead of a line', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', 'one\n');
  const [frame] = (await lab.read({ timestamps: true, details: 'a=1 ' })).frames;
  t.match(frame?.data.toString(), /^2026-09-\d\dT\d\d:\d\d:\d\d\.\d{9}Z a=1 one\n$/);
});

t.test('binary output comes back byte for byte', async (t) => {
  const lab = openLogLab(t);
  const output = Buffer.concat([randomBytes(3_000_000), Buffer.from('\n\r\n\n\0end')]);
  for (let at = 0; at < output.length; at += 100_003) {
    lab.spool.write('stdout', output.subarray(at, at + 100_003));
    if (at % 3 === 0) lab.spool.rotate();
  }
  const client = await lab.read();
  t.ok(Buffer.concat(client.frames.map(({ data }) => data)).equals(output));
  t.ok(client.frames.every(({ data }) => data.length <= 16_384));
  t.ok((await lab.read({ frames: false })).bytes.equals(output));
});

t.test('a line of 20 MB without end is read in pieces', async (t) => {
  const lab = openLogLab(t);
  const output = Buffer.alloc(20_000_000, 'x');
  lab.spool.write('stderr', output);
  const client = await lab.read();
  t.equal(client.text(2).length, output.length);
  t.equal(client.frames.length, Math.ceil(output.length / 16_384));
});

t.test('since and until bound what is shown, both including their moment', async (t) => {
  const lab = openLogLab(t);
  const times: bigint[] = [];
  for (let line = 0; line < 10; line += 1) {
    lab.spool.write('stdout', `${line}\n`);
    times.push(lab.spool.now);
    if (line === 4) lab.spool.rotate();
  }
  const shown = async (request: object): Promise<string> => (await lab.read(request)).text(1).replaceAll('\n', '');
  t.equal(await shown({ since: times[3] }), '3456789');
  t.equal(await shown({ since: (times[3] ?? 0n) + 1n }), '456789');
  t.equal(await shown({ until: times[6] }), '0123456');
  t.equal(await shown({ since: times[2], until: times[4] }), '234');
  t.equal(await shown({ since: times[9], until: times[0] }), '');
  t.equal(await shown({ tail: 3, since: times[2] }), '789', 'the tail is taken first');
  t.equal(await shown({ tail: 8, since: times[5] }), '56789');
});

/** Writes what a busy container would, and gives all messages as a client of all of it gets them. */
async function busyLog(spool: FakeSpool, seed: number): Promise<void> {
  const next = random(seed);
  for (let step = 0; step < 150; step += 1) {
    const stream = next(3) === 0 ? 'stderr' : 'stdout';
    const size = [5, 200, 9_000, 40_000][next(20) === 0 ? 3 : next(3)] ?? 5;
    spool.write(stream, 'abc'.repeat(Math.ceil(size / 3)) + (next(4) === 0 ? '' : '\n'));
    if (next(25) === 0) spool.rotate();
  }
}

t.test('a tail is exactly the last messages of all, over segments, long lines and two streams', async (t) => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const lab = openLogLab(t);
    await busyLog(lab.spool, seed);
    const all = (await lab.read()).frames.map(({ stream, data }) => `${stream} ${data.toString()}`);
    t.ok(all.length > 100);
    for (const tail of [0, 1, 2, 3, 7, 20, 50, all.length - 1, all.length, all.length + 1, 100_000]) {
      const some = texts(await lab.read({ tail }));
      const isSame = JSON.stringify(some) === JSON.stringify(tail === 0 ? [] : all.slice(-tail));
      if (!isSame) t.fail(`seed ${seed}, tail ${tail}: ${some.length} messages`);
    }
  }
  t.pass('each of them');
});

t.test('a tail of a large log reads its end only', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stderr', 'the only one\n');
  for (let line = 0; line < 300_000; line += 50) {
    const lines = Array.from({ length: 50 }, (_, index) => `line ${line + index} of a log that has become long`);
    lab.spool.write('stdout', `${lines.join('\n')}\n`);
  }
  const before = process.cpuUsage();
  const client = await lab.read({ tail: 3 });
  const { user, system } = process.cpuUsage(before);
  t.match(texts(client), [/line 299997/, /line 299998/, /line 299999/]);
  t.ok(user + system < 400_000, `${user + system} us for a file of 25 MB`);
});

t.test('a segment that is dropped while it is read is read to its end, and later ones go on', async (t) => {
  const lab = openLogLab(t);
  for (let segment = 0; segment < 4; segment += 1) {
    lab.spool.write('stdout', `${'x'.repeat(99)}\n`.repeat(20_000));
    lab.spool.rotate();
  }
  const client = await lab.open();
  client.socket.pause();
  await waitFor('the reader to begin', () => lab.spool.lists > 0);
  lab.spool.dropOldest();
  lab.spool.dropOldest();
  client.socket.resume();
  await client.end();
  t.equal(client.text(1).length % 100, 0, 'no line is torn');
  t.ok(client.text(1).length >= 4_000_000);
});

/** Descriptors of this process that are files in a directory. */
function openSegments(directory: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(directory) ? [path] : [];
    } catch {
      // The one that listed the directory.
      return [];
    }
  });
}

t.test('a client that does not read stops the reading, and one that goes ends it', async (t) => {
  const lab = openLogLab(t);
  lab.spool.write('stdout', `${'x'.repeat(999)}\n`.repeat(50_000));
  const beforeBytes = process.memoryUsage().rss;
  const clients = await Promise.all(Array.from({ length: 20 }, () => lab.open()));
  for (const { socket } of clients) socket.pause();
  await waitFor('the readers to fill what there is', () => clients.every(({ socket }) => socket.bytesRead > 0));
  t.equal(openSegments(lab.spool.directory).length, 20);
  const growth = process.memoryUsage().rss - beforeBytes;
  t.ok(growth < 100_000_000, `${growth} bytes for twenty readers of 50 MB`);
  for (const { socket } of clients) socket.destroy();
  await Promise.all(clients.map(({ reading }) => reading));
  t.strictSame(openSegments(lab.spool.directory), []);
});

t.test('a log without a segment is empty', async (t) => {
  const lab = openLogLab(t);
  lab.spool.isRunning = false;
  for (const request of [{}, { tail: 5 }, { follow: true }, { follow: true, tail: 0 }]) {
    t.equal((await lab.read(request)).bytes.length, 0);
  }
});
