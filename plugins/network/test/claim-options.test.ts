import t from 'tap';
import { parseClaimOptions } from '../src/claim-options.ts';

t.test('options get their defaults and one way to write them', async (t) => {
  t.match(parseClaimOptions('{"network":"bridge"}'), {
    network: 'bridge',
    aliases: [],
    publish: [],
    publishAll: false,
    ipv4: undefined,
    gatewayPriority: 0,
  });
  t.match(
    parseClaimOptions(
      JSON.stringify({
        network: 'front',
        ipv6: 'FD00:0::2',
        mac: '02-42-AC-11-00-02',
        publish: [
          { containerPort: 80, hostPort: 8000, hostPortEnd: 8010, hostIp: '127.0.0.1' },
          { containerPort: 53, protocol: 'udp' },
        ],
      }),
    ),
    {
      ipv6: 'fd00::2',
      mac: '02:42:ac:11:00:02',
      publish: [
        { containerPort: 80, protocol: 'tcp', hostPort: 8000, hostPortEnd: 8010, hostIp: '127.0.0.1' },
        { containerPort: 53, protocol: 'udp', hostPort: 0, hostPortEnd: 0, hostIp: '' },
      ],
    },
  );
});

t.test('what can never work is refused', async (t) => {
  const wrong = [
    'x',
    '[]',
    '{}',
    '{"network":1}',
    '{"network":"a","ipv4":"1.2.3"}',
    '{"network":"a","ipv4":"fd00::1"}',
    '{"network":"a","ipv6":"1.2.3.4"}',
    '{"network":"a","mac":"01:00:00:00:00:01"}',
    '{"network":"a","aliases":"b"}',
    '{"network":"a","aliases":[1]}',
    '{"network":"a","publish":[{}]}',
    '{"network":"a","publish":[{"containerPort":0}]}',
    '{"network":"a","publish":[{"containerPort":80,"hostPort":70000}]}',
    '{"network":"a","publish":[{"containerPort":80,"hostPort":90,"hostPortEnd":80}]}',
    '{"network":"a","publish":[{"containerPort":80,"protocol":"icmp"}]}',
    '{"network":"a","publish":[{"containerPort":80,"hostIp":"localhost"}]}',
    '{"network":"a","dns":{"servers":["one"]}}',
    '{"network":"a","links":[{"alias":"b"}]}',
  ];
  for (const text of wrong) t.throws(() => parseClaimOptions(text), { code: 'NETWORK_OPTIONS_INVALID' });
  t.throws(() => parseClaimOptions('{"network":"a","mac":"zz"}'), { code: 'NETLINK_MAC_INVALID' });
  t.throws(() => parseClaimOptions('{"network":"a","driverOptions":{"x":"y"}}'), { code: 'NETWORK_ENDPOINT_OPTIONS' });
});
