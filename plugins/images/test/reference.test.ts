import t from 'tap';
import { canonicalText, familiarText, parseReference, parseTag, referenceMatcher, withDefaultTag } from '../src/store/reference.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

t.test('names are read as Docker reads them', async (t) => {
  const cases: [text: string, canonical: string, familiar: string][] = [
    ['busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['user/app', 'docker.io/user/app:latest', 'user/app:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['Host/app', 'Host/app:latest', 'Host/app:latest'],
    ['registry:5000/app', 'registry:5000/app:latest', 'registry:5000/app:latest'],
    ['registry.example/a/b:v1', 'registry.example/a/b:v1', 'registry.example/a/b:v1'],
    ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
    [`busybox:1@${DIGEST}`, `docker.io/library/busybox:1@${DIGEST}`, `busybox:1@${DIGEST}`],
    ['a__b/c---d', 'docker.io/a__b/c---d:latest', 'a__b/c---d:latest'],
  ];
  for (const [text, canonical, familiar] of cases) {
    const reference = withDefaultTag(parseReference(text));
    t.equal(canonicalText(reference), canonical);
    t.equal(familiarText(reference), familiar);
  }
});

t.test('what is no name is refused', async (t) => {
  const wrong = [
    '',
    ':',
    'Busybox',
    'a/Busybox',
    'busy box',
    'a//b',
    '/a',
    'a/',
    'a:',
    'a:-x',
    'a@b',
    'a@sha512:' + 'a'.repeat(128),
    'a___b',
    '-a',
    'a_',
    'a'.repeat(300),
    'a'.repeat(64),
    'a:' + 'x'.repeat(129),
    '../a',
    'a\nb',
  ];
  for (const text of wrong)
    t.throws(() => parseReference(text), { class: 'invalid_argument', code: 'IMAGE_REFERENCE_INVALID' }, JSON.stringify(text));
  t.throws(() => parseReference('a/B'), { message: 'invalid reference format: repository name (a/B) must be lowercase' }, 'says why');
  t.throws(() => parseTag(`a@${DIGEST}`), { message: 'refusing to create a tag with a digest reference' });
});

t.test('patterns match a name or a name with its tag, and stop at slashes', async (t) => {
  const matches = (pattern: string, name: string): boolean => referenceMatcher(pattern)(parseTag(name));
  t.ok(matches('busybox', 'busybox:1'));
  t.ok(matches('busy*', 'busybox:1'));
  t.ok(matches('busybox:*', 'busybox:1'));
  t.ok(matches('*/*', 'user/app'));
  t.ok(matches('user/a[o-q]?:v\\1', 'user/app:v1'));
  t.notOk(matches('*', 'user/app'));
  t.notOk(matches('busybox:2', 'busybox:1'));
  t.notOk(matches('b.sybox', 'busybox'));
  t.throws(() => referenceMatcher('[a'), { code: 'IMAGE_REFERENCE_INVALID' });
});
