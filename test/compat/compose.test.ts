import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, needs, type RunOptions, type RunResult, runProcess, tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import { Platform } from '../platform/platform.ts';

t.setTimeout(180_000);

t.test('docker-compose 1.29 brings up two services on the default bridge, and takes them down', async (t) => {
  if (!needs(t, 'root', 'overlayfs', 'docker', 'docker-compose')) return;
  const platform = new Platform(tempDir(t, 'compose'));
  await platform.up();
  t.teardown(() => platform.down());
  await platform.importBusybox();
  const port = await freePort();
  const file = join(platform.dir, 'docker-compose.yml');
  writeFileSync(
    file,
    `version: "2.1"
services:
  web:
    image: busybox:latest
    network_mode: bridge
    command: sh -c "mkdir /www; echo composed > /www/index.html; exec httpd -f -p 80 -h /www"
    ports: ["${port}:80"]
    volumes: ["shared:/shared"]
    environment: {ROLE: web}
  worker:
    image: busybox:latest
    network_mode: bridge
    depends_on: [web]
    command: sh -c "echo working; exec sleep 1000"
    volumes: ["shared:/shared"]
volumes:
  shared: {}
`,
  );
  const compose = (args: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
    runProcess(['docker-compose', '-f', file, '-p', 'two', ...args], {
      timeoutMs: 60_000,
      ...options,
      env: { DOCKER_HOST: platform.host, COMPOSE_API_VERSION: 'auto' },
    });
  await compose(['up', '-d']);
  const { stdout } = await compose(['ps']);
  t.match(stdout, /two_web_1.*Up/, 'web is up');
  t.match(stdout, /two_worker_1.*Up/, 'worker is up');
  let body = '';
  await waitFor('the page', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    body = answer === undefined ? '' : await answer.text();
    return body !== '';
  });
  t.equal(body, 'composed\n');
  t.match((await compose(['logs', 'worker'])).stdout, /working/, 'logs');
  t.match((await compose(['exec', '-T', 'web', 'sh', '-c', 'echo $ROLE'])).stdout, /^web$/m, 'exec');
  await compose(['stop', '-t', '0', 'worker']);
  await compose(['start', 'worker']);
  await compose(['up', '-d']);
  await compose(['down', '-v', '-t', '0']);
  t.equal((await platform.docker(['ps', '-aq'])).stdout, '', 'no container is left');
  t.equal((await platform.docker(['volume', 'ls', '-q'])).stdout, '', 'no volume is left');
});
