type Json = Readonly<Record<string, unknown>>;

function text(description: string, more: Json = {}): Json {
  return { type: 'string', description, ...more };
}

/** Headers of a request (JSON Schema). NATS headers are text, so every value is a string. */
export function requestHeaders(): Json {
  return {
    type: 'object',
    required: ['Cleat-Op'],
    properties: {
      'Cleat-Op': text('Id of the operation, 1 to 128 printable characters; the same when the request is sent again.', {
        minLength: 1,
        maxLength: 128,
      }),
      'Cleat-Attempt': text('Counts how often the operation was sent, from 1.', { pattern: '^[0-9]+$' }),
      'Cleat-Deadline': text('When the caller gives up, in milliseconds of CLOCK_MONOTONIC of the host.'),
      'Cleat-Timeout-Ms': text('The same as a time left, for callers whose clock is another.', { pattern: '^[0-9]+$' }),
      'Cleat-Limit': text('The latest that progress can renew the deadline to, in milliseconds of CLOCK_MONOTONIC.'),
      'Cleat-Progress-Ms': text('By how much each progress renews the deadline.', { pattern: '^[0-9]+$' }),
      'Cleat-Contract': text('Contract and version that the body is written in: `volume@1.0`.'),
      'Cleat-Schema': text('Fingerprint of the schema of the body: the first 16 hex digits of SHA-256 of its canonical form.'),
      'Cleat-Principal': text('On whose behalf; only an account that may speak for others.'),
      'Cleat-Status': text('`cancel`: nobody waits for the operation any more; the body is empty.', { enum: ['cancel'] }),
      traceparent: text('W3C trace context.'),
    },
  };
}

/** Headers of what comes on the reply subject. */
export function answerHeaders(): Json {
  return {
    type: 'object',
    required: ['Cleat-Status'],
    properties: {
      'Cleat-Status': text('What this is.', { enum: ['working', 'progress', 'ok', 'error'] }),
      'Cleat-Schema': text('Fingerprint of the schema of the body, of an answer.'),
    },
  };
}

/** Headers of an event: CloudEvents 1.0 in binary mode. */
export function eventHeaders(type: string, isOfContainer: boolean): Json {
  const properties = {
    'ce-specversion': { const: '1.0' },
    'ce-id': text('`<node>:<sequence>`.'),
    'ce-source': text('`/nodes/<node>`.'),
    'ce-type': { const: type },
    'ce-subject': text('Id of the object, percent-encoded.'),
    'ce-time': text('RFC 3339 with nanoseconds.'),
    'ce-sequence': text('Number of the event on its node, gap-free.', { pattern: '^[0-9]{20}$' }),
    'ce-datacontenttype': { const: 'application/avro' },
    'ce-dataschema': text('`cleat:<fingerprint>` of the schema of the body.', { pattern: '^cleat:[0-9a-f]{16}$' }),
  };
  const ofContainer = { 'ce-objectsequence': text('Counts the events of the container from 1.', { pattern: '^[0-9]+$' }) };
  return { type: 'object', required: Object.keys(properties), properties: isOfContainer ? { ...properties, ...ofContainer } : properties };
}

const VERSIONS: Json = {
  type: 'object',
  description: 'Contract -> every version that it can, "1.0".',
  additionalProperties: { type: 'array', items: { type: 'string', pattern: '^[0-9]+\\.[0-9]+$' } },
};

/** The hello of a plugin and the welcome of the kernel (docs/plugin-authors/handshake.md). */
export function helloSchemas(): Json {
  return { hello: helloSchema(), welcome: welcomeSchema() };
}

function helloSchema(): Json {
  const properties = {
    hello: { const: 1 },
    name: text('Name of the plugin: the one that its account belongs to.'),
    version: text('Version of the plugin.'),
    instance: text('Made anew by every start of the process.'),
    pid: { type: 'integer', description: 'Process id.' },
    sdk: text('Which library speaks, and its version; for the log.'),
    contracts: VERSIONS,
    store: text('Identity of the store whose events it publishes; empty without one.'),
  };
  return { type: 'object', required: Object.keys(properties), properties };
}

function welcomeSchema(): Json {
  const properties = {
    welcome: { const: 1 },
    node: text('Id of the node.'),
    nodeName: text('Name of the node.'),
    kernel: text('Version of Cleat.'),
    bootId: text('Boot id of the host: numbers of calls are compared within one.'),
    instanceId: text('Short id of this instance of Cleat, stable over restarts: 8 hex digits.'),
    heartbeatMs: { type: 'integer', description: 'How often `sys.beat` is expected.' },
    picked: { type: 'object', additionalProperties: { type: 'string' }, description: 'Contract -> the version picked.' },
    grant: { type: 'object', description: 'What the plugin was granted.' },
    config: { type: 'object', description: 'Its configuration, checked against the schema in its manifest.' },
    stateDir: text('Directory of its own, durable.'),
    runDir: text('Directory of its own, on tmpfs.'),
    eventNumber: { type: 'integer', description: 'Highest number of its store that is durable.' },
    owned: { type: 'array', items: { type: 'string' }, description: 'Ids of the containers that it made.' },
    streamBase: { type: 'integer', description: 'sequence of an event = its stream sequence + this.' },
  };
  return { type: 'object', required: Object.keys(properties), properties };
}
