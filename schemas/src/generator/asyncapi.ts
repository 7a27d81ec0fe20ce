import { type EventTypeFacts, eventTypes } from '../event-types.ts';
import { selfContained } from '../self-contained.ts';
import { eventTypeName } from '../subjects.ts';
import { answerHeaders, eventHeaders, helloSchemas, requestHeaders } from './asyncapi-headers.ts';
import type { ContractModel, OperationModel } from './contract-model.ts';

const AVRO = 'application/vnd.apache.avro;version=1.9.0';
const EVENT_NAMESPACE = 'cleat.event.v1';

type Json = Readonly<Record<string, unknown>>;

/** The whole contract as an AsyncAPI 3 document: requests with their answers, and events. */
export function asyncApiDocument(contracts: readonly ContractModel[], version: string): Json {
  const called = contracts.filter(({ facts, operations }) => facts.addresses.length > 0 && operations.length > 0);
  const events = eventTypes();
  const entries = [helloEntry(), ...called.flatMap(callEntries), ...events.map(eventEntry)];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Cleat',
      version,
      description:
        'What travels on the private NATS of a node. An operation is described from the side of whoever answers it or ' +
        'publishes it: `receive` is a request that it answers, `send` an event. Payloads are bare Avro.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/avro',
    servers: {
      node: {
        host: '{address}',
        protocol: 'nats',
        description: 'The private NATS of a node. Its address is in the file that the run file of a plugin names.',
        variables: { address: { description: 'host:port', default: '127.0.0.1:4222' } },
      },
    },
    channels: { answer: answerChannel(called), ...merged(entries, 'channels') },
    operations: merged(entries, 'operations'),
    components: {
      schemas: {
        ...{ requestHeaders: requestHeaders(), answerHeaders: answerHeaders(), ...helloSchemas() },
        ...avroSchemas(contracts, called, events),
      },
      messages: { ...sharedMessages(), ...merged(entries, 'messages') },
      parameters: parameters(),
    },
  };
}

interface Entry {
  readonly channels: Json;
  readonly operations: Json;
  readonly messages: Json;
}

function merged(entries: readonly Entry[], part: keyof Entry): Json {
  return Object.assign({}, ...entries.map((entry) => entry[part])) as Json;
}

function ref(path: string): { readonly $ref: string } {
  return { $ref: `#/${path}` };
}

function avroOf(name: string): Json {
  return ref(`components/schemas/${name}`);
}

function callEntries(contract: ContractModel): readonly Entry[] {
  return contract.facts.addresses.flatMap((address, level) =>
    contract.operations.map((operation) => callEntry(contract, operation, { address, level })),
  );
}

/** A request by one address. The second address of a contract has channels of its own and the same messages. */
function callEntry(contract: ContractModel, operation: OperationModel, at: { readonly address: string; readonly level: number }): Entry {
  const key = `${contract.name}.${operation.name}`;
  const id = at.level === 0 ? key : `${contract.name}-${at.level + 1}.${operation.name}`;
  const names = ['caller', ...[...at.address.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')];
  const subject = `rpc.{caller}.${at.address}.${operation.name}`;
  return {
    channels: {
      [id]: {
        address: subject,
        messages: { request: ref(`components/messages/${key}.request`) },
        parameters: Object.fromEntries(names.map((name) => [name, ref(`components/parameters/${name}`)])),
      },
    },
    operations: {
      [id]: {
        action: 'receive',
        channel: ref(`channels/${id}`),
        summary: operation.doc === '' ? `${contract.name}@${contract.version} ${operation.name}` : operation.doc,
        description: `Answered by ${contract.facts.answeredBy}. Needs in \`uses\`: ${contract.facts.grant}.`,
        bindings: { nats: { queue: 'q', bindingVersion: '0.1.0' } },
        messages: [ref(`channels/${id}/messages/request`)],
        reply: {
          channel: ref('channels/answer'),
          messages: [`${key}.answer`, 'working', 'progress', 'error'].map((name) => ref(`channels/answer/messages/${name}`)),
        },
      },
    },
    messages: {
      [`${key}.request`]: {
        ...message(`${contract.name}.${operation.name} request`, operation.request, 'requestHeaders'),
        contentType: 'application/avro',
      },
      [`${key}.answer`]: {
        ...message(`${contract.name}.${operation.name} answer`, operation.response, 'answerHeaders'),
        contentType: 'application/avro',
      },
    },
  };
}

function message(title: string, record: string, headers: string): Json {
  return { title, headers: ref(`components/schemas/${headers}`), payload: avroOf(record) };
}

function answerChannel(called: readonly ContractModel[]): Json {
  const answers = called.flatMap(({ name, operations }) => operations.map((operation) => `${name}.${operation.name}.answer`));
  const shared = ['working', 'progress', 'error', 'hello.answer'];
  return {
    address: null,
    description: 'The reply subject of a request, below `_INBOX.`: any number of working and progress, then one answer or error.',
    messages: Object.fromEntries([...shared, ...answers].map((name) => [name, ref(`components/messages/${name}`)])),
  };
}

function sharedMessages(): Json {
  return {
    working: {
      title: 'still working',
      headers: ref('components/schemas/answerHeaders'),
      summary: 'Empty; sent every two seconds by whoever works on a call.',
    },
    progress: {
      ...message('progress', 'cleat.common.v1.Progress', 'answerHeaders'),
      summary: 'How far it is; renews the deadline up to the limit.',
    },
    error: { ...message('error', 'cleat.common.v1.ErrorInfo', 'answerHeaders'), summary: 'Why it failed: docs/reference/errors.md.' },
  };
}

/** The one pair that is JSON, frozen, so that any two versions can tell each other that they do not fit. */
function helloEntry(): Entry {
  return {
    channels: {
      hello: {
        address: 'rpc.{caller}.hello.hello',
        messages: { request: ref('components/messages/hello.request') },
        parameters: { caller: ref('components/parameters/caller') },
      },
    },
    operations: {
      hello: {
        action: 'receive',
        channel: ref('channels/hello'),
        summary: 'The first message of a plugin to the kernel.',
        bindings: { nats: { queue: 'q', bindingVersion: '0.1.0' } },
        messages: [ref('channels/hello/messages/request')],
        reply: {
          channel: ref('channels/answer'),
          messages: ['hello.answer', 'error'].map((name) => ref(`channels/answer/messages/${name}`)),
        },
      },
    },
    messages: Object.fromEntries(
      (['request', 'answer'] as const).map((side) => [
        `hello.${side}`,
        {
          title: side === 'request' ? 'hello' : 'welcome',
          contentType: 'application/json',
          headers: ref(`components/schemas/${side}Headers`),
          payload: ref(`components/schemas/${side === 'request' ? 'hello' : 'welcome'}`),
        },
      ]),
    ),
  };
}

function eventEntry(facts: EventTypeFacts): Entry {
  const { type, record, by, meaning, subject } = facts;
  const key = `event.${type}`;
  return {
    channels: {
      [key]: {
        address: `cleat.v1.ev.{node}.${type}.{id}`,
        description: 'Stored in the stream EVENTS; live on the same subject with `live.` before it.',
        messages: { event: ref(`components/messages/${key}`) },
        parameters: { node: ref('components/parameters/node'), id: { description: subject } },
      },
    },
    operations: {
      [key]: {
        action: 'send',
        channel: ref(`channels/${key}`),
        summary: meaning,
        description: `Published by ${by === 'kernel' ? 'the kernel' : `the plugin ${by}, through the kernel`}.`,
        messages: [ref(`channels/${key}/messages/event`)],
      },
    },
    messages: {
      [key]: {
        name: eventTypeName(type),
        title: type,
        contentType: 'application/avro',
        headers: eventHeaders(eventTypeName(type), type.startsWith('container.')),
        payload: avroOf(`${EVENT_NAMESPACE}.${record}`),
      },
    },
  };
}

/** The Avro schema of every record that a message carries, each complete in itself. */
function avroSchemas(contracts: readonly ContractModel[], called: readonly ContractModel[], events: readonly EventTypeFacts[]): Json {
  const names = new Set([
    ...called.flatMap(({ operations }) => operations.flatMap(({ request, response }) => [request, response])),
    ...events.map(({ record }) => `${EVENT_NAMESPACE}.${record}`),
    ...['cleat.common.v1.Progress', 'cleat.common.v1.ErrorInfo'],
  ]);
  return Object.fromEntries(
    [...names].sort().map((name) => {
      const home = contracts.find(({ file }) => name.startsWith(`${file.protocol.namespace}.`));
      if (home === undefined) throw new Error(`${name} belongs to no contract`);
      return [name, { schemaFormat: AVRO, schema: selfContained(home.file.protocol, name) }];
    }),
  );
}

function parameters(): Json {
  return {
    caller: { description: 'Public key of the calling account. The server lets nobody use the key of another.' },
    node: { description: 'Id of the node: 16 hexadecimal digits.' },
    kind: { description: 'Kind of claim: root, network, volume, log, ...' },
    driver: { description: 'Name of a driver of the kind: sshfs.' },
    plugin: { description: 'Name of the plugin that judges.' },
  };
}
