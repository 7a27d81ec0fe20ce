import { randomBytes } from 'node:crypto';
import { CleatError, isCleatError } from '@cleat/schemas/errors';
import { type ContainerRequest, containerFromImage, hostFacts, type ImageDefaults } from '@cleat/sdk/container';
import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_NOT_RUN, EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { LONG_CALL, type OperatorClient, withNode } from '../connection.ts';
import { checkName, derivedName } from '../container/container-name.ts';
import { RUN_OPTIONS } from '../container/run-options.ts';
import { type RunFlags, runRequest } from '../container/run-request.ts';
import { notice, write } from '../output/writer.ts';
import { detachKeysFlag } from '../streams/detach-keys.ts';
import { inForeground } from '../streams/foreground.ts';

const PROVIDER = 'provider.';

export const runCommand: Command = defineCommand({
  usage: ['run [flags] IMAGE [COMMAND [ARGUMENT...]]', 'run [flags] --rootfs DIR [--] COMMAND [ARGUMENT...]'],
  about: `Without --detach the command's output is shown, its exit code is that of cleat, and signals are passed on to it.
With --rootfs no image is needed, and no plugin: without --network the container gets the default network
where a network plugin runs, and none where not.`,
  options: RUN_OPTIONS,
  operands: { least: 0 },
  passesOn: true,
  failureCode: EXIT_NOT_RUN,
  examples: [
    { command: 'cleat run --rm busybox echo hello', does: 'run a command and forget it' },
    { command: 'cleat run --rm -it busybox sh', does: 'a shell' },
    {
      command: 'cleat run -d --name web -p 8080:80 -v www:/www --restart always busybox httpd -f -h /www',
      does: 'a web server with a volume, in the background',
    },
    { command: 'cleat run --rm --rootfs /srv/rootfs -- /bin/ls /', does: 'a directory instead of an image' },
    { command: `cleat run --rm --claim 'gpu={"count": 1}' trainer`, does: "something that a third party's plugin provides" },
  ],
  run: ({ flags, operands, globals }) => {
    if (operands.length === 0) throw usageError(flags.rootfs === undefined ? 'which image?' : 'which command?', 'See "cleat help run".');
    if (flags.interactive && flags.tty && !flags.detach && !process.stdin.isTTY)
      throw usageError('standard input is no terminal, so -t cannot be used with -i');
    return withNode(globals, (node) => new Run(node, flags, operands).execute());
  },
});

/** One "cleat run", from its flags to the exit code. */
class Run {
  readonly #node: OperatorClient;
  readonly #flags: RunFlags;
  readonly #operands: readonly string[];
  readonly #id: string = randomBytes(32).toString('hex');

  constructor(node: OperatorClient, flags: RunFlags, operands: readonly string[]) {
    this.#node = node;
    this.#flags = flags;
    this.#operands = operands;
  }

  async execute(): Promise<number> {
    const flags = this.#flags;
    const detachKeys = detachKeysFlag(flags['detach-keys']);
    const { name, terminal } = await this.#create();
    const start = async (): Promise<void> => {
      await this.#node.call('container', 'start', { container: this.#id }, LONG_CALL);
    };
    try {
      if (!flags.detach) {
        const until = flags.rm ? 'removed' : 'next-exit';
        return await inForeground(this.#node, {
          ...{ name, terminal, detachKeys, until, start },
          container: this.#id,
          stdin: flags.interactive,
          forwardsSignals: true,
        });
      }
      await start();
    } catch (error) {
      if (flags.rm) await this.#removeUnstarted();
      return failedStart(error);
    }
    write(`${this.#id}\n`);
    return EXIT_OK;
  }

  /** The node removes by itself what has run; what could not be started is for whoever made it. */
  async #removeUnstarted(): Promise<void> {
    try {
      const { state } = await this.#node.call('container', 'inspect', { container: this.#id });
      if (state.status === 'created') await this.#node.call('container', 'remove', { container: this.#id, purge: true }, LONG_CALL);
    } catch (error) {
      if (!isCleatError(error) || error.class !== 'not_found')
        notice(`cleat: warning: container ${this.#id.slice(0, 12)} could not be removed`);
    }
  }

  async #create(): Promise<{ readonly name: string; readonly terminal: boolean }> {
    const flags = this.#flags;
    const host = hostFacts();
    const [request, image] = await Promise.all([
      runRequest(flags, this.#operands, { host, env: process.env, find: (other) => this.#idOf(other), ...(await this.#kinds()) }),
      this.#image(),
    ]);
    const { spec, claims, attributes, warnings } = containerFromImage({ id: this.#id, image, request, host });
    const name = flags.name === undefined ? derivedName(referenceOf(request), this.#id) : checkName(flags.name);
    const answer = await this.#node.call('container', 'create', { id: this.#id, name, spec, claims, attributes }, LONG_CALL);
    for (const warning of [...warnings, ...answer.warnings]) notice(`cleat: warning: ${warning}`);
    return { name, terminal: flags.tty };
  }

  /** What is there to ask for by default; asked only where a bare kernel will do. */
  async #kinds(): Promise<{ readonly kinds?: ReadonlySet<string> }> {
    if (this.#flags.rootfs === undefined) return {};
    const participants = await this.#node.registry();
    const addresses = participants.flatMap((participant) => participant.addresses);
    return { kinds: new Set(addresses.filter((address) => address.startsWith(PROVIDER)).map((address) => address.slice(PROVIDER.length))) };
  }

  async #idOf(container: string): Promise<string> {
    return (await this.#node.call('container', 'inspect', { container })).id;
  }

  async #image(): Promise<ImageDefaults | undefined> {
    if (this.#flags.rootfs !== undefined) return undefined;
    const reference = this.#operands[0] ?? '';
    try {
      const { summary, config } = await this.#node.call('image', 'inspect', { image: reference });
      return { id: summary.id, config };
    } catch (error) {
      if (!isCleatError(error) || error.class !== 'not_found') throw error;
      throw new CleatError('not_found', error.code, `there is no image ${reference}`, {
        hint: 'Bring it here with "cleat image load FILE" (docker save) or "cleat image import FILE NAME" (a root file system).',
        cause: error,
      });
    }
  }
}

function referenceOf(request: ContainerRequest): string {
  return request.imageReference ?? request.rootfs ?? '';
}

/** A command that is not there, or cannot be executed, has exit codes of its own, as with a shell. */
export function failedStart(error: unknown): number {
  const code = isCleatError(error) ? Number(error.details['exitCode']) : Number.NaN;
  if (!isCleatError(error) || (code !== 126 && code !== 127)) throw error;
  notice(`cleat: ${error.message}`);
  return code;
}
