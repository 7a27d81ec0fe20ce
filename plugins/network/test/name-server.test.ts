import { spawn } from 'node:child_process';
import { childEnv, needs, runProcess, waitFor } from '@cleat/harness';
import t from 'tap';
import type { LabContainer } from './network-lab.ts';
import { NetworkLab } from './network-lab.ts';

/** A name server that knows one name, and refuses or cuts off others, run inside a namespace. */
const UPSTREAM = `
const p=require('dns-packet');
const answer=(q,tcp)=>{const d=p.decode(q);const n=d.questions[0].name;
 if(n==='refused.test')return p.encode({type:'response',id:d.id,flags:0x8005,questions:d.questions});
 const big=n==='big.test'&&!tcp;
 return p.encode({type:'response',id:d.id,flags:0x8180|(big?0x200:0),questions:d.questions,answers:big?[]:[{type:'A',name:n,ttl:5,data:process.argv[1]}]});};
const u=require('dgram').createSocket('udp4');u.on('message',(m,r)=>u.send(answer(m,false),r.port,r.address));
require('net').createServer(c=>c.on('data',m=>{const a=answer(m.subarray(2),true);const l=Buffer.alloc(2);l.writeUInt16BE(a.length);c.write(Buffer.concat([l,a]));})).listen(53,'0.0.0.0',()=>u.bind(53,()=>console.log('up')));
`;

/** Asks 127.0.0.11 in a container and prints code, flags and answers. */
const CLIENT = `
const p=require('dns-packet');const [name,type,transport,payload]=process.argv.slice(1);
const q=p.encode({type:'query',id:4711,flags:p.RECURSION_DESIRED,questions:[{name,type}],additionals:payload==='0'?[]:[{type:'OPT',name:'.',udpPayloadSize:Number(payload),flags:0,options:[]}]});
const show=m=>{const d=p.decode(m);console.log(JSON.stringify({id:d.id,rcode:d.rcode,truncated:d.flag_tc,answers:d.answers.map(a=>a.data),edns:d.additionals.some(a=>a.type==='OPT')}));process.exit()};
if(transport==='tcp'){const c=require('net').connect(53,'127.0.0.11');const l=Buffer.alloc(2);l.writeUInt16BE(q.length);c.write(Buffer.concat([l,q]));c.on('data',m=>show(m.subarray(2)))}
else{const s=require('dgram').createSocket('udp4');s.on('message',show);s.send(q,53,'127.0.0.11')}
setTimeout(()=>{console.log('{"rcode":"TIMEOUT","answers":[]}');process.exit()},9000);
`;

interface Answer {
  readonly id?: number;
  readonly rcode: string;
  readonly truncated?: boolean;
  readonly edns?: boolean;
  readonly answers: readonly string[];
}

async function ask(container: LabContainer, name: string, type = 'A', transport = 'udp', payload = 0): Promise<Answer> {
  const argv = ['nsenter', `--net=${container.namespace}`, process.execPath, '-e', CLIENT, name, type, transport, String(payload)];
  return JSON.parse((await runProcess(argv, { env: childEnv() })).stdout) as Answer;
}

async function upstream(t: { teardown(undo: () => unknown): void }, namespace: string, address: string): Promise<void> {
  const child = spawn('nsenter', [`--net=${namespace}`, process.execPath, '-e', UPSTREAM, address], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: childEnv(),
  });
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
}

t.test('containers of a network find each other by name', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip')) return;
  const lab = new NetworkLab(t);
  const host = await lab.host(await lab.namespace('host'));
  await host.reconcile([]);
  await host.createNetwork('front', { ipv6: true });
  await host.createNetwork('back');
  // Nobody listens there, so that what is not found is answered at once.
  const dns = { servers: ['127.0.0.1'] };
  const web = await host.start(await lab.namespace('web'), {
    name: 'Web',
    dns,
    network: 'front',
    aliases: ['www', 'all'],
    expose: [{ port: 80 }],
  });
  const db = await host.start(await lab.namespace('db'), {
    name: 'db',
    dns,
    network: 'front',
    aliases: ['all'],
    links: [{ container: web.id, alias: 'mine' }],
  });
  const far = await host.start(await lab.namespace('far'), { name: 'far', network: 'back', dns });
  t.same(web.dns.servers, ['127.0.0.11']);
  t.ok(web.dns.options.includes('ndots:0'));
  const webAddress = String(web.status['ipv4']);
  t.match(web.status, { dnsNames: ['Web', 'www', 'all', web.id.slice(0, 12)] });

  for (const name of ['web', 'WEB', 'www', web.id.slice(0, 12), 'web.front', 'mine']) {
    t.same(await ask(db, name), { id: 4711, rcode: 'NOERROR', truncated: false, answers: [webAddress], edns: false }, name);
  }
  t.same((await ask(db, 'web', 'AAAA')).answers, [web.status['ipv6']]);
  t.same([...(await ask(db, 'all')).answers].sort(), [webAddress, db.status['ipv4']].sort());
  t.match(await ask(web, 'mine'), { rcode: 'SERVFAIL' }, 'a link is known to its container alone');
  t.match(await ask(far, 'web'), { rcode: 'SERVFAIL', answers: [] }, 'another network does not know the name');
  t.match(await ask(far, 'far', 'AAAA'), { rcode: 'NOERROR', answers: [] }, 'a name without IPv6 exists');
  t.match(await ask(db, 'web', 'MX'), { rcode: 'NOERROR', answers: [] });
  t.same((await ask(db, webAddress.split('.').reverse().join('.').concat('.in-addr.arpa'), 'PTR')).answers, ['Web.front']);
  t.same((await ask(db, 'web', 'A', 'tcp')).answers, [webAddress]);
  t.match(await ask(db, 'web', 'A', 'udp', 1232), { edns: true, answers: [webAddress] });

  await host.call('update', { reference: host.reference(web), options: null, containerName: 'shop' });
  t.same((await ask(db, 'shop')).answers, [webAddress]);
  t.match(await ask(db, 'web'), { rcode: 'SERVFAIL' });
  await host.detach(web);
  t.match(await ask(db, 'shop'), { rcode: 'SERVFAIL' });
});

t.test('many addresses of one name are cut off by UDP and whole by TCP', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip')) return;
  const lab = new NetworkLab(t);
  const host = await lab.host(await lab.namespace('host'));
  await host.reconcile([]);
  await host.createNetwork('front');
  const namespaces = await Promise.all(Array.from({ length: 40 }, () => lab.namespace('c')));
  const containers: LabContainer[] = [];
  for (const [index, namespace] of namespaces.entries())
    containers.push(await host.start(namespace, { name: `c${index}`, network: 'front', aliases: ['many'] }));
  const [first] = containers;
  if (first === undefined) throw new Error('no container');
  t.match(await ask(first, 'many'), { truncated: true, answers: [] });
  t.equal((await ask(first, 'many', 'A', 'udp', 4096)).answers.length, 40);
  t.equal((await ask(first, 'many', 'A', 'tcp')).answers.length, 40);
});

t.test('other names are asked of the servers that the user or the host names', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip')) return;
  const lab = new NetworkLab(t);
  const host = await lab.host(await lab.namespace('host'));
  await host.reconcile([]);
  await host.createNetwork('front');
  await host.createNetwork('back');
  await host.createNetwork('inner', { internal: true });
  const server = await host.start(await lab.namespace('server'), { name: 'server', network: 'front' });
  await upstream(t, server.namespace, '192.0.2.77');
  const address = String(server.status['ipv4']);
  const client = await host.start(await lab.namespace('client'), {
    name: 'client',
    network: 'front',
    dns: { servers: ['192.0.2.250', address], search: ['corp.test'] },
  });
  t.same(client.dns, { servers: ['127.0.0.11'], search: ['corp.test'], options: client.dns.options });
  const slow = ask(client, 'example.test');
  t.match(await slow, { rcode: 'NOERROR', answers: ['192.0.2.77'] }, 'the second server answers when the first is silent');
  const direct = await host.start(await lab.namespace('direct'), { name: 'direct', network: 'front', dns: { servers: [address] } });
  t.same((await ask(direct, 'example.test')).answers, ['192.0.2.77']);
  t.match(await ask(direct, 'big.test'), { truncated: true });
  t.same((await ask(direct, 'big.test', 'A', 'tcp')).answers, ['192.0.2.77'], 'and by TCP too');
  t.match(await ask(direct, 'refused.test'), { rcode: 'REFUSED' });
  const strict = await host.start(await lab.namespace('strict'), {
    name: 'strict',
    network: 'front',
    dns: { servers: [address], options: ['ndots:2'] },
  });
  t.match(await ask(strict, 'single'), { rcode: 'NOERROR', answers: [] }, 'single labels stay here when ndots says so');
  const cut = await host.start(await lab.namespace('cut'), { name: 'cut', network: 'inner', dns: { servers: [address] } });
  t.match(await ask(cut, 'example.test'), { rcode: 'SERVFAIL' }, 'an internal network leads to no server');
});

t.test('a container may itself serve names on port 53, and garbage does no harm', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip')) return;
  const lab = new NetworkLab(t);
  const host = await lab.host(await lab.namespace('host'));
  await host.reconcile([]);
  await host.createNetwork('front');
  const own = await host.start(await lab.namespace('own'), { name: 'own', network: 'front' });
  await upstream(t, own.namespace, '192.0.2.1');
  t.same((await ask(own, 'own')).answers, [own.status['ipv4']]);
  const garbage =
    "const s=require('dgram').createSocket('udp4');for(const m of ['','x','\\0'.repeat(12),'\\xff'.repeat(600)])s.send(m,53,'127.0.0.11');setTimeout(()=>process.exit(),100)";
  await runProcess(['nsenter', `--net=${own.namespace}`, process.execPath, '-e', garbage], { env: childEnv() });
  t.same((await ask(own, 'own')).answers, [own.status['ipv4']]);
});

t.test('a container on two networks has one name server, and one default route that moves', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip')) return;
  const lab = new NetworkLab(t);
  const host = await lab.host(await lab.namespace('host'));
  await host.reconcile([]);
  await host.createNetwork('front');
  await host.createNetwork('back');
  const namespace = await lab.namespace('both');
  const onFront = await host.start(namespace, { name: 'both', network: 'front' });
  const onBack = await host.attach(await host.reserve(namespace, { name: 'both', network: 'back', gatewayPriority: 0 }, onFront.id));
  const peer = await host.start(await lab.namespace('peer'), { name: 'peer', network: 'back' });
  t.match([onFront.status['interface'], onBack.status['interface']], ['eth0', 'eth1']);
  t.same((await ask(onFront, 'peer')).answers, [peer.status['ipv4']]);
  t.match(await lab.run(namespace, 'ip', 'route'), `default via ${String(onFront.status['gateway'])} dev eth0`);
  await host.detach(onFront);
  t.match(await lab.run(namespace, 'ip', 'route'), `default via ${String(onBack.status['gateway'])} dev eth1`);
  t.same((await ask(onBack, 'peer')).answers, [peer.status['ipv4']]);
  await host.attach(onFront);
  t.equal(onFront.status['interface'], 'eth0', 'its old interface is out of the way');
  await host.detach(onFront);
  await host.detach(onBack);
  await waitFor('no interface', async () => !(await lab.run(namespace, 'ip', '-o', 'link')).includes('eth'));
});
