import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorCatalogue } from '@cleat/schemas/catalogue';
import t from 'tap';
import { codesIn, mentionedCodes, raisedCodes } from './raised-codes.ts';

const repository = resolve(import.meta.dirname, '../../..');
const folders = [
  ...['schemas/src', 'core/src', 'sdk/src', 'runtime/src', 'streams/src', 'kernel/src', 'cli/src'],
  ...readdirSync(join(repository, 'plugins')).map((name) => `plugins/${name}/src`),
];
/** Arguments of calls that look like codes and are none: fields of os-release, and the beginning of some codes. */
const NOT_CODES = new Set(['PRETTY_NAME', 'VERSION_ID', 'NETWORK_PORT', 'PR_SET_PDEATHSIG', 'PR_SET_CHILD_SUBREAPER']);

const catalogue = new Map(errorCatalogue().map((error) => [error.code, error]));
const raised = raisedCodes(repository, folders).filter(({ code }) => !NOT_CODES.has(code));

t.test('every code that the sources raise is in the catalogue', async (t) => {
  t.ok(new Set(raised.map(({ code }) => code)).size > 300, `${raised.length} places`);
  t.same([...new Set(raised.filter(({ code }) => !catalogue.has(code)).map(({ code, file }) => `${code} in ${file}`))], []);
  const planted =
    "throw new CleatError(isNew ? 'conflict' : 'internal', `${x}` === '' ? 'ONE_CODE' : 'TWO_CODE', 'text'); fail('THREE_CODE', 1);";
  t.same(
    codesIn('x.ts', planted).map(({ code, errorClass }) => `${errorClass ?? '-'} ${code}`),
    ['conflict ONE_CODE', 'internal ONE_CODE', 'conflict TWO_CODE', 'internal TWO_CODE', '- THREE_CODE'],
  );
});

t.test('every code of the catalogue is in the sources', async (t) => {
  const mentioned = mentionedCodes(repository, folders);
  t.same(
    [...catalogue.keys()].filter((code) => !mentioned.has(code)),
    [],
  );
});

t.test('a code is raised in the classes that the catalogue names', async (t) => {
  const wrong = raised.filter(({ code, errorClass }) => {
    const classes: readonly string[] = catalogue.get(code)?.classes ?? [];
    return errorClass !== undefined && classes.length > 0 && !classes.includes(errorClass);
  });
  t.same(
    wrong.map(({ code, errorClass, file }) => `${code} is ${errorClass ?? ''} in ${file}`),
    [],
  );
});

t.test('every code that a contract names is in the catalogue', async (t) => {
  const folder = join(repository, 'schemas/contracts');
  const named = readdirSync(folder).flatMap((file) => {
    const docs = readFileSync(join(folder, file), 'utf8').match(/\/\*\* [^*]*Fails with [^*]*\*\//g) ?? [];
    return docs.flatMap((doc) => [...doc.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)].map(([code]) => `${code} in ${file}`));
  });
  t.ok(named.length > 20, `${named.length} codes`);
  t.same(
    named.filter((place) => !catalogue.has(place.slice(0, place.indexOf(' ')))),
    [],
  );
});

t.test('an entry says what a code means and what to do, and a code has one owner', async (t) => {
  const all = errorCatalogue();
  t.equal(catalogue.size, all.length);
  t.same(
    all.filter(({ meaning, cure }) => !meaning.endsWith('.') || cure === '').map(({ code }) => code),
    [],
  );
});
