import t from 'tap';
import { applyChanges } from '../src/store/config-change.ts';
import { type ContainerDefaults, encodeImageConfig, NO_DEFAULTS, parseImageConfig } from '../src/store/image-config.ts';

function change(...lines: string[]): ContainerDefaults {
  return applyChanges(NO_DEFAULTS, lines);
}

t.test('commands are an array or a line for the shell', async (t) => {
  t.strictSame(change('CMD ["a", "b c"]').cmd, ['a', 'b c']);
  t.strictSame(change('cmd a "b c" $HOME').cmd, ['/bin/sh', '-c', 'a "b c" $HOME']);
  t.strictSame(change('CMD ["a", 1]').cmd, ['/bin/sh', '-c', '["a", 1]']);
  t.strictSame(change('CMD a', 'ENTRYPOINT ["e"]'), { ...NO_DEFAULTS, cmd: ['/bin/sh', '-c', 'a'], entrypoint: ['e'] });
  const before = { ...NO_DEFAULTS, cmd: ['old'] };
  t.strictSame(applyChanges(before, ['ENTRYPOINT ["e"]']).cmd, [], 'an inherited command goes with a new entry point');
});

t.test('variables are quoted, escaped and put in as in a Dockerfile', async (t) => {
  t.strictSame(change(`ENV A=1 B="two words" C='$A' D=x\\ y`, 'ENV E=$A-${B} F="${NONE:-d}" G=${A:+set} H=\\$A').env, [
    'A=1',
    'B=two words',
    'C=$A',
    'D=x y',
    'E=1-two words',
    'F=d',
    'G=set',
    'H=$A',
  ]);
  t.strictSame(change('ENV old  the rest of it', 'ENV old=new').env, ['old=new']);
  t.strictSame(
    [...change('LABEL a=b "c d"=e', 'LABEL a=f').labels],
    [
      ['a', 'f'],
      ['c d', 'e'],
    ],
  );
  t.strictSame(change('ENV A=1 \\\n  B=2\n# a comment\nENV C=3').env, ['A=1', 'B=2', 'C=3']);
});

t.test('the other instructions set what they name', async (t) => {
  t.strictSame(change('EXPOSE 80 81/udp 90-92/TCP', 'EXPOSE 80').exposedPorts, ['80/tcp', '81/udp', '90/tcp', '91/tcp', '92/tcp']);
  t.strictSame(change('VOLUME /a /b', 'VOLUME ["/c d"]').volumes, ['/a', '/b', '/c d']);
  t.equal(change('WORKDIR /a', 'WORKDIR b/../c').workingDir, '/a/c');
  t.equal(change('USER 1000:1000').user, '1000:1000');
  t.equal(change('STOPSIGNAL SIGRTMIN+3').stopSignal, 'SIGRTMIN+3');
  t.strictSame(change('ONBUILD RUN x').onBuild, ['RUN x']);
  t.strictSame(change('HEALTHCHECK --interval=1m30s --retries=2 CMD curl localhost').healthcheck, {
    test: ['CMD-SHELL', 'curl localhost'],
    intervalNs: 90e9,
    timeoutNs: 0,
    startPeriodNs: 0,
    startIntervalNs: 0,
    retries: 2,
  });
  t.strictSame(change('HEALTHCHECK CMD ["a"]').healthcheck?.test, ['CMD', 'a']);
  t.strictSame(change('HEALTHCHECK NONE').healthcheck?.test, ['NONE']);
});

t.test('what is no valid change is refused', async (t) => {
  const wrong = [
    'RUN x',
    'FROM y',
    'CMD',
    'ENV A',
    'ENV A=1 B',
    'ENV =x',
    'ENV A="open',
    'ENV A=${B',
    'ENV A=${B:?gone}',
    'EXPOSE x',
    'EXPOSE 0',
    'EXPOSE 9-8',
    'EXPOSE 80/icmp',
    'USER a b',
    'VOLUME [""]',
    'STOPSIGNAL NOPE',
    'STOPSIGNAL 65',
    'ONBUILD ONBUILD x',
    'ONBUILD FROM x',
    'HEALTHCHECK --bad=1 CMD x',
    'HEALTHCHECK --interval=1 CMD x',
    'HEALTHCHECK --interval=1us CMD x',
    'HEALTHCHECK x',
    'HEALTHCHECK CMD',
    'HEALTHCHECK NONE x',
  ];
  for (const line of wrong) t.throws(() => change(line), { class: 'invalid_argument', code: 'IMAGE_CHANGE_INVALID' }, line);
});

t.test('a configuration that is written is read again the same', async (t) => {
  const defaults = change(
    'CMD ["a"]',
    'ENV A=1',
    'EXPOSE 80',
    'VOLUME /v',
    'LABEL __proto__=x',
    'HEALTHCHECK --timeout=1s CMD x',
    'USER u',
    'WORKDIR /w',
    'STOPSIGNAL 9',
    'ONBUILD RUN y',
    'ENTRYPOINT z',
  );
  const config = parseImageConfig(
    encodeImageConfig({
      created: '2026-01-02T03:04:05.678Z',
      author: 'me',
      comment: 'c',
      architecture: 'arm64',
      variant: 'v8',
      os: 'linux',
      osVersion: '1',
      dockerVersion: '2',
      diffIds: [`sha256:${'a'.repeat(64)}`],
      history: [{ created: '', createdBy: 'x', author: '', comment: '', emptyLayer: true }],
      defaults,
    }),
  );
  t.strictSame(config.defaults, defaults);
  t.equal(config.defaults.labels.get('__proto__'), 'x');
  t.strictSame(parseImageConfig(encodeImageConfig(config)), config);
});

t.test('a configuration of the wrong shape is refused', async (t) => {
  const wrong = [
    '',
    '[]',
    '{}',
    '{"rootfs":{"diff_ids":["x"]}}',
    '{"rootfs":{"diff_ids":[]},"config":{"Env":"A=1"}}',
    '{"rootfs":{"diff_ids":[]},"config":{"Labels":{"a":1}}}',
    `{"rootfs":{"diff_ids":${JSON.stringify(Array(128).fill(`sha256:${'a'.repeat(64)}`))}}}`,
  ];
  for (const text of wrong)
    t.throws(() => parseImageConfig(text), { class: 'invalid_argument', code: 'IMAGE_CONFIG_INVALID' }, text.slice(0, 60));
  t.strictSame(parseImageConfig('{"rootfs":{"diff_ids":null},"config":null,"history":null}').diffIds, []);
});
