// node import-probe.js MODULE: imports it and prints, as JSON, what the import itself did besides defining things.
import { pathToFileURL } from 'node:url';

const [module = ''] = process.argv.slice(2);
const environment = process.env;
const read = new Set<string>();

// Only reads by our own code count: a library may look at its environment, it is not ours to write.
process.env = new Proxy(environment, {
  get(target, name) {
    const caller = new Error().stack?.split('\n')[2] ?? '';
    if (typeof name === 'string' && !caller.includes('node_modules') && !caller.includes('node:')) read.add(name);
    return Reflect.get(target, name) as unknown;
  },
});

const resourcesBefore = process.getActiveResourcesInfo();
const listenersBefore = countListeners();
await import(pathToFileURL(module).href);
const listeners = [...countListeners()].filter(([name, count]) => count > (listenersBefore.get(name) ?? 0)).map(([name]) => name);
const resources = process.getActiveResourcesInfo().slice(resourcesBefore.length);
process.stdout.write(JSON.stringify({ environment: [...read], listeners, resources }));

function countListeners(): Map<string, number> {
  return new Map(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
}
