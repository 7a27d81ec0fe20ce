import t from 'tap';
import type { OptionTable } from '../src/command/command.ts';
import { parseCommandLine } from '../src/command/parser.ts';

const OPTIONS: OptionTable = {
  all: { type: 'boolean', short: 'a', help: '' },
  tty: { type: 'boolean', short: 't', help: '' },
  name: { type: 'string', short: 'n', value: 'NAME', help: '' },
  env: { type: 'string', short: 'e', value: 'NAME', multiple: true, help: '' },
};

function parse(argv: readonly string[], passesOn = false): { readonly flags: object; readonly operands: readonly string[] } {
  const { flags, operands } = parseCommandLine(argv, OPTIONS, { passesOn });
  return { flags: Object.fromEntries(flags), operands };
}

t.test('flags are read in every way in which users write them', async (t) => {
  t.same(parse(['-at', '--name', 'x', 'web']), { flags: { all: true, tty: true, name: 'x' }, operands: ['web'] });
  t.same(parse(['--name=x', '-n', 'y']), { flags: { name: 'y' }, operands: [] }, 'the last one counts');
  t.same(parse(['-nx', '-eA=1', '-e', 'B=2', '--env=C=3']), { flags: { name: 'x', env: ['A=1', 'B=2', 'C=3'] }, operands: [] });
  t.same(parse(['web', '-a']), { flags: { all: true }, operands: ['web'] }, 'flags may follow an operand');
  t.same(parse(['--', '-a']), { flags: {}, operands: ['-a'] });
  t.same(parse(['--all=false']), { flags: { all: false }, operands: [] });
  t.same(parse(['-n', '-1']), { flags: { name: '-1' }, operands: [] }, 'a value may look like a flag');
});

t.test('another command line begins at the first operand', async (t) => {
  t.same(parse(['-t', 'busybox', 'ls', '-la', '--', '-a'], true), { flags: { tty: true }, operands: ['busybox', 'ls', '-la', '--', '-a'] });
  t.same(parse(['-a', '--', 'ls', '-t'], true), { flags: { all: true }, operands: ['ls', '-t'] });
  t.same(parse(['-n', 'x', 'busybox', '--nope'], true), { flags: { name: 'x' }, operands: ['busybox', '--nope'] });
});

t.test('a wrong command line is told by the flag that is wrong', async (t) => {
  t.throws(() => parse(['--nope']), { code: 'USAGE', message: 'unknown flag --nope' });
  t.throws(() => parse(['-atx']), { code: 'USAGE', message: 'unknown flag -x' });
  t.throws(() => parse(['--name']), { code: 'USAGE', message: 'flag --name needs a value: NAME' });
  t.throws(() => parse(['--all=yes']), { code: 'USAGE', message: 'flag --all takes no value' });
  t.throws(() => parse(['--toString']), { code: 'USAGE', message: 'unknown flag --toString' });
  t.throws(() => parse(['--__proto__', 'x']), { code: 'USAGE' });
});
