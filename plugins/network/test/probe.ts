import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { childEnv, runProcess, waitFor } from '@cleat/harness';

interface Teardown {
  teardown(undo: () => unknown): void;
}

/** Serves a word by TCP on a port inside a namespace, until the test ends. */
export async function serveTcp(t: Teardown, namespace: string, port: number, word: string): Promise<void> {
  const child = start(t, namespace, 'busybox', 'nc', '-ll', '-p', String(port), '-e', 'busybox', 'echo', word);
  await waitFor(`a server on port ${port}`, async () => {
    if (child.exitCode !== null) throw new Error('the server ended');
    const listening = await runProcess(['nsenter', `--net=${namespace}`, 'busybox', 'netstat', '-ltn']);
    return new RegExp(`:${port}\\s`).test(listening.stdout);
  });
}

/** Answers each datagram on a port inside a namespace by the address that it came from. */
export async function serveUdp(t: Teardown, namespace: string, port: number, isV6 = false): Promise<void> {
  const program = `const s=require('dgram').createSocket('${isV6 ? 'udp6' : 'udp4'}');s.on('message',(m,r)=>s.send('from '+r.address,r.port,r.address));s.bind(${port},()=>console.log('up'))`;
  const child = start(t, namespace, process.execPath, '-e', program);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the UDP server ended')));
  });
}

function start(t: Teardown, namespace: string, ...argv: string[]): ChildProcess {
  const child = spawn('nsenter', [`--net=${namespace}`, ...argv], { stdio: ['ignore', 'pipe', 'ignore'], env: childEnv() });
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** What a TCP server says to a client in a namespace; empty when it cannot be reached. */
export async function askTcp(namespace: string, address: string, port: number, timeoutS = 2): Promise<string> {
  const result = await runProcess(
    [
      'nsenter',
      `--net=${namespace}`,
      'busybox',
      'timeout',
      String(timeoutS + 1),
      'busybox',
      'nc',
      '-w',
      String(timeoutS),
      address,
      String(port),
    ],
    { allowExit: 'any' },
  );
  return result.stdout.trim();
}

/** What a UDP server answers; empty when nothing comes back. */
export async function askUdp(namespace: string, address: string, port: number): Promise<string> {
  const type = address.includes(':') ? 'udp6' : 'udp4';
  const program = `const s=require('dgram').createSocket('${type}');s.on('message',m=>{console.log(String(m));process.exit()});s.on('error',()=>process.exit());s.send('?',${port},'${address}');setTimeout(()=>process.exit(),1500)`;
  return (await runProcess(['nsenter', `--net=${namespace}`, process.execPath, '-e', program], { env: childEnv() })).stdout.trim();
}
