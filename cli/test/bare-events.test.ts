import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { needs, startProcess, waitFor } from '@cleat/harness';
import t from 'tap';
import { isRecord, numberAt, textAt } from '../src/output/json.ts';
import { testPlatform } from './test-platform.ts';

t.test('events and operations are within reach of everybody', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return;
  const platform = await testPlatform(t);
  const { cleat, rootfs } = platform;
  const run = ['run', '--rm', '--rootfs', rootfs];

  await t.test('events are listed, followed, and written as CloudEvents', async (t) => {
    t.match(await cleat([...run, '--name', 'shown', '--', 'sh', '-c', 'exit 7']), { code: 7 });
    const past = await cleat(['events', '--format', 'json', '--type', 'container.exited']);
    const events = past.stdout.trimEnd().split('\n').map(parsed);
    t.ok(events.some((event) => numberAt(isRecord(event) ? event['data'] : undefined, 'exitCode') === 7));
    const sequences = events.map((event) => numberAt(event, 'sequence'));
    t.same(
      sequences,
      [...sequences].sort((left, right) => left - right),
    );
    t.match((await cleat(['events', '--since', '10m', '--subject', 'shown'])).stdout, /container\.created .* shown .*by=uid:0\n/);
    const followed = startProcess(
      t,
      platform.argv('events', '--follow', '--format', 'cloudevents', '--type', 'container.*', '--since', '0s'),
    );
    // It says nothing when it stands, so containers run until it has seen one.
    await waitFor('an event', async () => {
      await cleat([...run, '--name', 'followed', '--', 'true']);
      return /"type":"dev\.cleat\.container\.exited\.v1".*"name":"followed"/.test(followed.output());
    });
    followed.signal('SIGTERM');
    t.match(await cleat(['events', '--after', '999999999']), { code: 0, stdout: '' });
  });

  await t.test('a program outside the platform gets credentials that only it can read', async (t) => {
    const out = join(platform.directory, 'audit.json');
    t.match(await cleat(['consumer', 'add', 'audit', '--subject', 'container.*', '--out', out]), { code: 0, stdout: '' });
    t.equal(statSync(out).mode & 0o777, 0o600);
    t.match(parsed(readFileSync(out, 'utf8')), { url: /^nats:/, jwt: /./ });
    t.match(parsed((await cleat(['consumer', 'ls', '--json'])).stdout), [{ name: 'audit', type: 'container.*' }]);
    t.match(await cleat(['consumer', 'add', 'other', '--out', out]), { code: 2, stderr: /such a file already/ });
    t.match(await cleat(['consumer', 'rm', 'audit']), { code: 0 });
  });

  await t.test('every operation can be called by hand', async (t) => {
    const info = parsed((await cleat(['call', 'node', 'info'])).stdout);
    t.match(info, { runDir: join(platform.directory, 'run'), busUp: true });
    t.match(parsed((await cleat(['call', 'event', 'list', '-'], { input: '{"after": 0, "limit": 1}' })).stdout), {
      events: [{ sequence: 1, time: /Z$/ }],
    });
    t.match(await cleat(['call', 'container', 'inspect', '{"container": "nobody"}']), { code: 1, stderr: /nobody/ });
    t.match(parsed((await cleat(['--json', 'info'])).stdout), { node: textAt(info, 'node'), containers: {} });
    t.match(parsed((await cleat(['version', '--json'])).stdout), { server: { nats: /^\d/ } });
    t.same(parsed((await cleat(['plugin', 'ls', '--json'])).stdout), []);
  });
});

function parsed(text: string): unknown {
  return JSON.parse(text);
}
