// Measures Cleat beside dockerd, with the same docker command; see README.md.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Cleat, isBuilt } from './lib/cleat.mjs';
import { findProgram } from './lib/commands.mjs';
import { Dockerd } from './lib/dockerd.mjs';
import { dockerCommand, importImage } from './lib/image.mjs';
import { report, shown, summary } from './lib/report.mjs';
import { stepsOf } from './lib/steps.mjs';
import { commandBenches } from './metrics/commands.mjs';
import { manyBenches, memory } from './metrics/many.mjs';

const HELP = `Usage: npm run bench [-- [flags] [NAME...]]

Starts a Cleat and a dockerd of its own, each in its network namespace, measures both in turn with the same docker
command, and writes bench/RESULTS.md and bench/RESULTS.json. NAMEs choose benches by their beginning.

      --quick        few samples and small numbers; not for records
      --rounds N     samples of each bench
      --engines LIST which of cleat, dockerd, crun (Cleat with crun as the runtime); all that this host can run
      --no-steps     without the table of steps
      --output FILE  the report elsewhere (the numbers go beside it, as .json)
      --list         names of the benches, and what they measure
`;
const WARM_ROUNDS = 2;

// Memory first: an engine that has just served other benches is not at rest.
const benches = [memory, ...commandBenches, ...manyBenches.filter((bench) => bench !== memory)];

function settings() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean' },
      rounds: { type: 'string' },
      engines: { type: 'string' },
      'no-steps': { type: 'boolean' },
      output: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const chosen = positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.some((given) => name.startsWith(given)));
  if (chosen.length === 0 && positionals[0] !== 'steps') throw new Error(`no bench is called ${positionals.join(' or ')}; see --list`);
  return { ...values, chosen };
}

/** Why this host cannot run it, or undefined. */
function hindrance() {
  if (process.getuid?.() !== 0) return 'it needs root: both engines do';
  const missing = ['docker', 'dockerd', 'containerd', 'runc', 'conmon', 'nats-server', 'busybox', 'ip', 'nsenter'].filter(
    (name) => findProgram(name) === undefined,
  );
  if (missing.length > 0)
    return `it needs ${missing.join(', ')} (Debian: docker.io, docker-cli, runc, conmon, nats-server, busybox-static, iproute2, util-linux)`;
  return isBuilt() ? undefined : 'Cleat is not built: npm run build';
}

function makeEngines(wanted, directory, tag) {
  const make = {
    cleat: () => new Cleat({ name: 'cleat', directory: join(directory, 'cleat'), tag }),
    dockerd: () => new Dockerd({ directory: join(directory, 'dockerd'), tag }),
    crun: () => new Cleat({ name: 'crun', directory: join(directory, 'crun'), tag, runtime: 'crun' }),
  };
  const possible = Object.keys(make).filter((name) => name !== 'crun' || findProgram('crun') !== undefined);
  return (wanted?.split(',') ?? possible).map((name) => {
    const engine = make[name]();
    engine.docker = dockerCommand(engine.socketPath);
    engine.notes = [];
    return engine;
  });
}

class Run {
  results = new Map();
  #quick;
  #rounds;

  constructor({ quick = false, rounds }) {
    this.#quick = quick;
    this.#rounds = rounds === undefined ? undefined : Number(rounds);
  }

  async measure(bench, engines) {
    const broken = new Set();
    for (const engine of engines) await this.#guarded(bench, engine, broken, () => bench.setUp?.(engine));
    const rounds = this.#rounds ?? bench.rounds[this.#quick ? 1 : 0];
    // Small ones begin with what is not counted: code that is compiled, files that are read.
    const warm = rounds > 4 ? WARM_ROUNDS : 0;
    for (let round = -warm; round < rounds; round++) {
      // In turn forwards and backwards, so that what changes with time hits all alike.
      const order = round % 2 === 0 ? engines : [...engines].reverse();
      for (const engine of order) {
        if (!broken.has(engine)) await this.#guarded(bench, engine, broken, () => this.#sample(bench, engine, round));
      }
    }
    for (const engine of engines) await this.#guarded(bench, engine, broken, () => bench.tearDown?.(engine));
  }

  async #guarded(bench, engine, broken, work) {
    try {
      await work();
    } catch (error) {
      broken.add(engine);
      process.stderr.write(`  ${bench.name}, ${engine.name}: ${error.message}\n`);
      for (const key of Object.keys(bench.metrics)) this.#entry(bench, key).failures[engine.name] = error.message;
    }
  }

  async #sample(bench, engine, round) {
    if (bench.cpu !== undefined) await engine.account.settle();
    const before = engine.account.usedMs;
    const { operations = bench.operations ?? 1, ...values } = await bench.sample(engine, round, this.#quick);
    if (bench.cpu !== undefined) {
      await engine.account.settle();
      values[bench.cpu] = (engine.account.usedMs - before) / operations;
    }
    if (round < 0) return;
    for (const [key, value] of Object.entries(values)) (this.#entry(bench, key).samples[engine.name] ??= []).push(value);
  }

  #entry(bench, key) {
    const known = this.results.get(key) ?? { metric: bench.metrics[key], samples: {}, failures: {} };
    this.results.set(key, known);
    return known;
  }
}

async function steps(directory, tag) {
  const engine = new Cleat({ name: 'steps', directory: join(directory, 'steps'), tag, logLevel: 'debug' });
  engine.docker = dockerCommand(engine.socketPath);
  try {
    await engine.start();
    importImage(engine.docker);
    return await stepsOf(engine);
  } finally {
    await engine.stop();
  }
}

function say(rows, engines) {
  for (const { key, unit, medians, ratios } of rows) {
    const values = engines.map(
      ({ name }) => `${name} ${shown(medians[name])}${ratios[name] === undefined ? '' : ` (${shown(ratios[name])})`}`,
    );
    process.stdout.write(`${key.padEnd(16)} ${unit.padEnd(6)} ${values.join('  ')}\n`);
  }
}

async function main() {
  const { chosen, list, help, quick, output, engines: wanted, 'no-steps': noSteps, rounds } = settings();
  if (help) return process.stdout.write(HELP);
  if (list)
    return process.stdout.write(
      chosen
        .map(
          ({ name, metrics }) =>
            `${name}\n${Object.entries(metrics)
              .map(([key, { unit, what }]) => `    ${key.padEnd(16)} ${unit.padEnd(6)} ${what}\n`)
              .join('')}`,
        )
        .join(''),
    );
  const why = hindrance();
  if (why !== undefined) throw new Error(why);
  const directory = mkdtempSync(join(tmpdir(), 'cleat-bench-'));
  const tag = `cb${process.pid.toString(36)}`;
  const docker = join(directory, 'docker');
  mkdirSync(docker);
  // The user's own configuration of docker is nothing to measure.
  Object.assign(process.env, { DOCKER_CONFIG: docker, DOCKER_CLI_HINTS: 'false' });
  const engines = makeEngines(wanted, directory, tag);
  const run = new Run({ quick, rounds });
  let table = [];
  try {
    for (const engine of engines) {
      process.stderr.write(`${engine.title}\n`);
      await engine.start();
      importImage(engine.docker);
    }
    for (const bench of chosen) {
      process.stderr.write(`${bench.name} ...\n`);
      await run.measure(bench, engines);
    }
  } finally {
    for (const engine of engines)
      await engine.stop().catch((error) => process.stderr.write(`${engine.name} did not go: ${error.message}\n`));
    if (!noSteps) table = await steps(directory, tag).catch((error) => void process.stderr.write(`steps: ${error.message}\n`) ?? []);
    rmSync(directory, { recursive: true, force: true });
  }
  const rows = summary(run.results, engines);
  say(rows, engines);
  const path = output ?? new URL('RESULTS.md', import.meta.url).pathname;
  const host = `${new Date().toISOString().slice(0, 10)}, Linux ${release()}, ${cpus().length} processors (${cpus()[0]?.model ?? '?'}), load ${loadavg()[0].toFixed(1)} at the end.`;
  writeFileSync(path, report({ rows, engines, steps: table, host, isQuick: quick === true }));
  writeFileSync(
    path.replace(/(\.md)?$/, '.json'),
    `${JSON.stringify({ host, quick: quick === true, engines: engines.map(({ name, title }) => ({ name, title })), rows, steps: table }, undefined, 1)}\n`,
  );
  process.stdout.write(`written to ${path}\n`);
}

main().catch((error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
});
