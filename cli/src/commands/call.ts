import { text } from 'node:stream/consumers';
import { recordFromJson } from '../call/json-request.ts';
import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { LONG_CALL, withNode } from '../connection.ts';
import { integerFlag } from '../container/limit-flags.ts';
import { jsonText } from '../output/json.ts';
import { notice, write } from '../output/writer.ts';

export const callCommand: Command = defineCommand({
  usage: ['call [flags] CONTRACT OPERATION [JSON|-]', 'call --list [CONTRACT]'],
  about: `Calls an operation of a contract that the kernel or a plugin answers, and prints the answer in JSON. Fields with a
default may be left out of the request; "-" reads it from standard input. "cleat help json" tells how times
and bytes are written.`,
  options: {
    list: { type: 'boolean', help: 'show which operations there are' },
    timeout: { type: 'string', value: 'SECONDS', help: 'how long to wait for an answer (default 30)' },
    progress: { type: 'boolean', help: 'show progress on standard error' },
  },
  operands: { least: 0, most: 3 },
  json: true,
  examples: [
    { command: 'cleat call --list volume', does: 'operations of the contract volume' },
    { command: `cleat call volume create '{"name": "data", "labels": {"for": "web"}}'`, does: 'what a client does, by hand' },
    { command: 'cleat call node info', does: 'an operation that asks for nothing' },
  ],
  run: async ({ flags, operands, globals }) => {
    const [contract = '', operation = '', request = '{}'] = operands;
    const { SchemaBook } = await import('@cleat/schemas');
    const book = new SchemaBook();
    if (flags.list) {
      if (operation !== '') throw usageError('--list takes one contract at most');
      return listOperations(contract, book, globals.json);
    }
    if (operation === '') throw usageError('which operation?', 'See "cleat call --list".');
    const timeoutMs = (integerFlag('--timeout', flags.timeout, 1) ?? 30) * 1000;
    const codecs = book.anyOperation(contract, operation);
    const value = recordFromJson(
      parseRequest(request === '-' ? await text(process.stdin) : request),
      book.typeOf(codecs.request.fingerprint),
    );
    const onProgress = ({ message, item, current, total }: { message: string; item: string; current: number; total: number }): void => {
      notice(`${item} ${message} ${total === 0 ? '' : `${current}/${total}`}`.trim());
    };
    return withNode(globals, async (node) => {
      const answer = await node.callAny(contract, operation, value, {
        timeoutMs,
        limitMs: LONG_CALL.limitMs,
        ...(flags.progress ? { onProgress } : {}),
      });
      write(jsonText(answer));
      return EXIT_OK;
    });
  },
});

interface Operations {
  operationsOf(contract: string): readonly string[];
}

/** Contracts that clients have no business with: between the kernel and its plugins. */
const CONTRACTS = ['claim', 'container', 'event', 'exec', 'image', 'log', 'network', 'node', 'plugin', 'sys', 'view', 'volume'] as const;

function listOperations(contract: string, book: Operations, isJson: boolean): number {
  const contracts = contract === '' ? CONTRACTS : [contract];
  const all = contracts.map((name) => [name, book.operationsOf(name)] as const);
  if (all.every(([, operations]) => operations.length === 0))
    throw usageError(`there is no contract ${contract}`, 'See "cleat call --list".');
  if (isJson) write(jsonText(Object.fromEntries(all)));
  else write(all.flatMap(([name, operations]) => operations.map((operation) => `${name} ${operation}\n`)).join(''));
  return EXIT_OK;
}

function parseRequest(request: string): unknown {
  try {
    return JSON.parse(request);
  } catch (error) {
    throw usageError(`the request is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
