import t from 'tap';
import { incompatibilities, suddenRemovals } from '../src/generator/compatibility.ts';
import type { NamedSchema, OperationSchema, Protocol } from '../src/generator/protocol.ts';

const NAMESPACE = 'cleat.thing.v1';

function release(types: readonly NamedSchema[], messages: Readonly<Record<string, OperationSchema>> = {}, id = 'thing@1.0') {
  return { id, protocol: { protocol: 'Thing', namespace: NAMESPACE, types, messages } satisfies Protocol };
}

const state: NamedSchema = { type: 'enum', name: 'State', symbols: ['UNKNOWN', 'on'], default: 'UNKNOWN' };
const inner: NamedSchema = { type: 'record', name: 'Inner', fields: [{ name: 'size', type: 'int', default: 0 }] };
const thing: NamedSchema = {
  type: 'record',
  name: 'Thing',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'note', type: 'string', default: '' },
    { name: 'state', type: 'State', default: 'UNKNOWN' },
    { name: 'inner', type: 'Inner', default: {} },
  ],
};
const create: OperationSchema = { request: [{ name: 'request', type: 'Thing' }], response: 'Thing' };
const base = release([state, inner, thing], { create });

function withThing(fields: NamedSchema['fields']) {
  return release([state, inner, { ...thing, fields: fields ?? [] }], { create }, 'thing@1.1');
}

const [id, note, ofState, ofInner] = thing.fields ?? [];
if (id === undefined || note === undefined || ofState === undefined || ofInner === undefined) throw new Error('four fields');

t.test('a version that only adds what has a default fits', async (t) => {
  const more: NamedSchema = { ...state, symbols: ['UNKNOWN', 'on', 'off'] };
  const wider = { ...inner, fields: [...(inner.fields ?? []), { name: 'unit', type: ['null', 'string'], default: null }] };
  const next = release(
    [more, wider, { ...thing, fields: [id, { name: 'colour', type: 'string', default: 'red' }, note, ofState, ofInner] }],
    { create, remove: create },
    'thing@1.1',
  );
  t.same(incompatibilities(base, next), []);
  t.same(incompatibilities(base, withThing([id, { ...note, doc: 'another text' }, ofState, ofInner])), []);
});

/** A change, and what must be said of it. */
const PLANTED: readonly (readonly [string, ReturnType<typeof release>, RegExp])[] = [
  [
    'a new field without a default',
    withThing([id, note, ofState, ofInner, { name: 'colour', type: 'string' }]),
    /Thing\.colour is new and has no default/,
  ],
  ['a field that is gone', withThing([note, ofState, ofInner]), /Thing\.id is gone, and older readers have no default/],
  ['a field of another name', withThing([{ ...id, name: 'key' }, note, ofState, ofInner]), /Thing\.id is gone[^]*Thing\.key is new/],
  ['fields in another order', withThing([note, id, ofState, ofInner]), /Thing has its fields in another order/],
  ['another default', withThing([id, { ...note, default: 'none' }, ofState, ofInner]), /Thing\.note has another default/],
  ['a default that is gone', withThing([id, { name: 'note', type: 'string' }, ofState, ofInner]), /Thing\.note has another default/],
  [
    'a wider number',
    release([state, { ...inner, fields: [{ name: 'size', type: 'long', default: 0 }] }, thing], { create }, 'thing@1.1'),
    /cannot be read by the older one/,
  ],
  [
    'a field that may be null now',
    withThing([{ ...id, type: ['null', 'string'] }, note, ofState, ofInner]),
    /cannot be read by the older one/,
  ],
  ['another type', withThing([{ ...id, type: 'int' }, note, ofState, ofInner]), /cannot be read by the newer one/],
  ['a symbol that is gone', release([{ ...state, symbols: ['UNKNOWN'] }, inner, thing], { create }, 'thing@1.1'), /State lost a symbol/],
  [
    'a symbol in the middle',
    release([{ ...state, symbols: ['UNKNOWN', 'off', 'on'] }, inner, thing], { create }, 'thing@1.1'),
    /State lost a symbol or has another order/,
  ],
  [
    'an enum whose default is another',
    release([{ ...state, default: 'on' }, inner, thing], { create }, 'thing@1.1'),
    /State has another default/,
  ],
  ['a record that is gone', release([state, thing], { create }, 'thing@1.1'), /Inner is gone/],
  [
    'a record that is an enum now',
    release([state, { ...state, name: 'Inner' }, thing], { create }, 'thing@1.1'),
    /Inner was of the type record and is enum/,
  ],
  ['an operation that is gone', release([state, inner, thing], {}, 'thing@1.1'), /operation create is gone/],
  [
    'an operation that takes another record',
    release([state, inner, thing], { create: { ...create, request: [{ name: 'request', type: 'Inner' }] } }, 'thing@1.1'),
    /operation create takes another record/,
  ],
  [
    'an operation that answers another record',
    release([state, inner, thing], { create: { ...create, response: 'Inner' } }, 'thing@1.1'),
    /operation create answers another record/,
  ],
  ['another namespace', { id: 'thing@1.1', protocol: { ...base.protocol, namespace: 'cleat.thing.v2' } }, /that is a new major version/],
];

for (const [what, next, says] of PLANTED) {
  t.test(`${what} is refused`, async (t) => t.match(incompatibilities(base, next).join('\n'), says));
}

t.test('a field may go when the version before has announced it', async (t) => {
  const without = withThing([id, ofState, ofInner]);
  t.same(incompatibilities(base, without), [], 'both sides can still read each other');
  t.match(suddenRemovals(base, without).join(), /Thing\.note is gone without having been deprecated/);
  const announced = withThing([id, { ...note, deprecated: 'say it in a label' }, ofState, ofInner]);
  t.same(suddenRemovals(base, announced), []);
  t.same(suddenRemovals(announced, without), []);
});
