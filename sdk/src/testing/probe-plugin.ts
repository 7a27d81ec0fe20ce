import type { PluginDefinition } from '../plugin.ts';
import { runPlugins } from '../run/host.ts';
import type { TestNode } from './test-node.ts';

/** Runs a plugin in this process beside the one under test, while `body` runs. */
export async function withPlugin(node: TestNode, definition: PluginDefinition, body: () => Promise<void>): Promise<void> {
  const { manifest } = definition;
  const plugin = await node.install(manifest);
  const controller = new AbortController();
  const ended = runPlugins({ urlFile: node.urlFile, plugins: [plugin.entry] }, new Map([[manifest.name, definition]]), {
    signal: controller.signal,
    log: node.log,
  });
  try {
    await node.kernel.ready(manifest.name);
    await body();
  } finally {
    controller.abort();
    await ended;
  }
}
