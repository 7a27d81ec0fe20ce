import type { NetlinkMessage } from './message.ts';
import { attributeList, attributes, BodyWriter, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from './message.ts';
import { isNetlinkErrno } from './netlink-error.ts';
import { NetlinkSocket } from './netlink-socket.ts';
import type { NetfilterFamily } from './nfnetlink.ts';
import { NETLINK_NETFILTER, NFPROTO, NFTABLES_BEGIN, NFTABLES_END, netfilterHeader, netfilterMessage } from './nfnetlink.ts';
import type { Expression } from './nftables-expression.ts';
import type { AddressRange, KeyPart } from './nftables-key.ts';
import { keyBytes } from './nftables-key.ts';

const SUBSYSTEM = 10;
const OP = {
  newTable: 0,
  getTable: 1,
  deleteTable: 2,
  newChain: 3,
  getChain: 4,
  newRule: 6,
  newSetElement: 12,
  getSetElement: 13,
  deleteSetElement: 14,
} as const;
const NFTA_TABLE_NAME = 1;
const NFTA_CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;
const NFTA_HOOK = { number: 1, priority: 2 } as const;
const NFTA_RULE = { table: 1, chain: 2, expressions: 4 } as const;
const NFTA_LIST_ELEM = 1;
const NFTA_EXPR = { name: 1, data: 2 } as const;
const NFTA_SET_ELEM_LIST = { table: 1, set: 2, elements: 3 } as const;
const NFTA_SET_ELEM = { key: 1, data: 2, flags: 3, keyEnd: 10 } as const;
const NFT_SET_ELEM_INTERVAL_END = 1;
const NFTA_DATA = { value: 1, verdict: 2 } as const;
const NFTA_VERDICT_CODE = 1;
const NF_ACCEPT = 1;
const NF_DROP = 0;

/** A table by family and name: `inet cleat-1a2b3c4d`. */
export interface TableName {
  readonly family: NetfilterFamily;
  readonly name: string;
}

/** What a map's element leads to. */
export type ElementValue = { readonly verdict: 'accept' | 'drop' } | { readonly parts: readonly KeyPart[] };

/** One element of a set or map. */
export interface SetElement {
  readonly set: string;
  /** The key, or of a concatenation with an interval the parts before it. */
  readonly key: readonly KeyPart[];
  /** The last part of the key is this range (a set with `flags interval`). */
  readonly range?: AddressRange;
  readonly value?: ElementValue;
}

/** Adds elements; one that is there is `NETLINK_EEXIST`. */
export function addElements(table: TableName, elements: readonly SetElement[]): NetlinkMessage[] {
  return elements.map((element) =>
    netfilterMessage(
      SUBSYSTEM,
      OP.newSetElement,
      NLM_F_CREATE | NLM_F_EXCL,
      elementBody(table, element, true),
      `add element to ${table.name} ${element.set}`,
    ),
  );
}

/** Deletes elements; one that is not there is `NETLINK_ENOENT`. */
export function deleteElements(table: TableName, elements: readonly SetElement[]): NetlinkMessage[] {
  return elements.map((element) =>
    netfilterMessage(
      SUBSYSTEM,
      OP.deleteSetElement,
      0,
      elementBody(table, element, false),
      `delete element from ${table.name} ${element.set}`,
    ),
  );
}

function elementBody(table: TableName, element: SetElement, withValue: boolean): BodyWriter {
  const body = new BodyWriter().raw(netfilterHeader(NFPROTO[table.family]));
  body.string(NFTA_SET_ELEM_LIST.table, table.name).string(NFTA_SET_ELEM_LIST.set, element.set);
  return body.nest(NFTA_SET_ELEM_LIST.elements, (list) => writeElements(list, element, withValue));
}

function writeElements(list: BodyWriter, element: SetElement, withValue: boolean): void {
  const { range } = element;
  if (range === undefined) {
    list.nest(NFTA_LIST_ELEM, (entry) => {
      writeValue(entry, NFTA_SET_ELEM.key, keyBytes(element.key));
      if (withValue && element.value !== undefined) writeData(entry, element.value);
    });
    return;
  }
  if (element.key.length > 0) {
    // A concatenation with an interval has both ends in one element.
    const prefix = Buffer.concat(element.key.map((part) => keyBytes([part, { type: 'port', port: 0 }]).subarray(0, -4)));
    list.nest(NFTA_LIST_ELEM, (entry) => {
      writeValue(entry, NFTA_SET_ELEM.key, Buffer.concat([prefix, range.first]));
      writeValue(entry, NFTA_SET_ELEM.keyEnd, Buffer.concat([prefix, range.last]));
    });
    return;
  }
  list.nest(NFTA_LIST_ELEM, (entry) => writeValue(entry, NFTA_SET_ELEM.key, range.first));
  const end = successor(range.last);
  if (end === undefined) return;
  list.nest(NFTA_LIST_ELEM, (entry) => {
    entry.u32be(NFTA_SET_ELEM.flags, NFT_SET_ELEM_INTERVAL_END);
    writeValue(entry, NFTA_SET_ELEM.key, end);
  });
}

function writeValue(entry: BodyWriter, type: number, value: Buffer): void {
  entry.nest(type, (data) => data.bytes(NFTA_DATA.value, value));
}

function writeData(entry: BodyWriter, value: ElementValue): void {
  entry.nest(NFTA_SET_ELEM.data, (data) => {
    if ('parts' in value) data.bytes(NFTA_DATA.value, keyBytes(value.parts));
    else data.nest(NFTA_DATA.verdict, (verdict) => verdict.u32be(NFTA_VERDICT_CODE, value.verdict === 'accept' ? NF_ACCEPT : NF_DROP));
  });
}

/** The address after `last`: an interval's end is exclusive. Absent when there is none. */
function successor(last: Buffer): Buffer | undefined {
  const next = Buffer.from(last);
  for (let index = next.length - 1; index >= 0; index -= 1) {
    const byte = ((next[index] ?? 0) + 1) & 0xff;
    next[index] = byte;
    if (byte !== 0) return next;
  }
  return undefined;
}

/** Makes a table, or leaves the one that is there. */
export function addTable(table: TableName): NetlinkMessage {
  return netfilterMessage(SUBSYSTEM, OP.newTable, NLM_F_CREATE, tableBody(table), `add table ${table.name}`);
}

/** Makes a table; one that is there is `NETLINK_EEXIST`. */
export function addNewTable(table: TableName): NetlinkMessage {
  return { ...addTable(table), flags: NLM_F_CREATE | NLM_F_EXCL };
}

/** Deletes a table with all that is in it. */
export function deleteTable(table: TableName): NetlinkMessage {
  return netfilterMessage(SUBSYSTEM, OP.deleteTable, 0, tableBody(table), `delete table ${table.name}`);
}

function tableBody(table: TableName): BodyWriter {
  return new BodyWriter().raw(netfilterHeader(NFPROTO[table.family])).string(NFTA_TABLE_NAME, table.name);
}

export interface BaseChain {
  readonly name: string;
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly priority: number;
}

const HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

/** Makes a chain that a hook of the kernel enters; what no rule decides is accepted. */
export function addBaseChain(table: TableName, chain: BaseChain): NetlinkMessage {
  const body = new BodyWriter().raw(netfilterHeader(NFPROTO[table.family]));
  body.string(NFTA_CHAIN.table, table.name).string(NFTA_CHAIN.name, chain.name);
  body.nest(NFTA_CHAIN.hook, (hook) => hook.u32be(NFTA_HOOK.number, HOOKS[chain.hook]).u32be(NFTA_HOOK.priority, chain.priority));
  body.string(NFTA_CHAIN.type, chain.type);
  return netfilterMessage(SUBSYSTEM, OP.newChain, NLM_F_CREATE, body, `add chain ${chain.name} to ${table.name}`);
}

/** Adds a rule at the end of a chain. */
export function addRule(table: TableName, chain: string, expressions: readonly Expression[]): NetlinkMessage {
  const body = new BodyWriter().raw(netfilterHeader(NFPROTO[table.family]));
  body.string(NFTA_RULE.table, table.name).string(NFTA_RULE.chain, chain);
  body.nest(NFTA_RULE.expressions, (list) => {
    for (const expression of expressions) {
      list.nest(NFTA_LIST_ELEM, (entry) => {
        entry.string(NFTA_EXPR.name, expression.name);
        entry.nest(NFTA_EXPR.data, expression.write);
      });
    }
  });
  return netfilterMessage(SUBSYSTEM, OP.newRule, NLM_F_CREATE | NLM_F_APPEND, body, `add rule to ${table.name} ${chain}`);
}

/** nftables of the network namespace in which it was opened. */
export class Nftables {
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  static open(): Nftables {
    return new Nftables(NetlinkSocket.open(NETLINK_NETFILTER));
  }

  /** Does all messages or none; the error is that of the first that was refused. */
  transact(messages: readonly NetlinkMessage[]): void {
    this.#socket.transact(NFTABLES_BEGIN, messages, NFTABLES_END);
  }

  hasTable(table: TableName): boolean {
    return this.#ask(netfilterMessage(SUBSYSTEM, OP.getTable, 0, tableBody(table), `find table ${table.name}`)) !== undefined;
  }

  hasChain(table: TableName, chain: string): boolean {
    return this.#chain(table, chain) !== undefined;
  }

  /** Whether packets that reach the end of a base chain are dropped; false when there is no such chain. */
  dropsByPolicy(table: TableName, chain: string): boolean {
    const answer = this.#chain(table, chain);
    const policy = answer === undefined ? undefined : attributes(answer.subarray(4)).get(NFTA_CHAIN.policy);
    return policy !== undefined && policy.readUInt32BE(0) === NF_DROP;
  }

  /** The keys of a set's elements, as the kernel holds them (ends of intervals left out). */
  elementKeys(table: TableName, set: string): readonly Buffer[] {
    const body = new BodyWriter().raw(netfilterHeader(NFPROTO[table.family]));
    body.string(NFTA_SET_ELEM_LIST.table, table.name).string(NFTA_SET_ELEM_LIST.set, set);
    const replies = this.#socket.dump(netfilterMessage(SUBSYSTEM, OP.getSetElement, 0, body, `list ${table.name} ${set}`));
    return replies.flatMap((reply) => {
      const list = attributes(reply.body.subarray(4)).get(NFTA_SET_ELEM_LIST.elements);
      return list === undefined
        ? []
        : attributeList(list)
            .map(({ value }) => elementKey(value))
            .filter((found) => found !== undefined);
    });
  }

  close(): void {
    this.#socket.close();
  }

  #chain(table: TableName, chain: string): Buffer | undefined {
    const body = new BodyWriter().raw(netfilterHeader(NFPROTO[table.family]));
    body.string(NFTA_CHAIN.table, table.name).string(NFTA_CHAIN.name, chain);
    return this.#ask(netfilterMessage(SUBSYSTEM, OP.getChain, 0, body, `find chain ${chain} of ${table.name}`));
  }

  #ask(message: NetlinkMessage): Buffer | undefined {
    try {
      return this.#socket.request(message).body;
    } catch (error) {
      if (isNetlinkErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }
}

function elementKey(element: Buffer): Buffer | undefined {
  const found = attributes(element);
  const flags = found.get(NFTA_SET_ELEM.flags);
  if (flags !== undefined && (flags.readUInt32BE(0) & NFT_SET_ELEM_INTERVAL_END) !== 0) return undefined;
  const value = found.get(NFTA_SET_ELEM.key);
  return value === undefined ? undefined : attributes(value).get(NFTA_DATA.value);
}
