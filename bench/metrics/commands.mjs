import { IMAGE } from '../lib/image.mjs';

const START = ['run', '--rm', '--network'];

/** One docker command for each sample, its time and the engine's CPU for it. */
function command({ name, goal, cpuGoal, rounds, what, args }) {
  return {
    name,
    rounds,
    cpu: `${name}_cpu`,
    metrics: { [name]: { unit: 'ms', what, goal }, [`${name}_cpu`]: { unit: 'ms', what: 'CPU time of the engine for it', goal: cpuGoal } },
    sample: (engine, round) => ({ [name]: engine.docker(args(round)).ms }),
  };
}

const runs = [
  command({
    name: 'run_none',
    goal: 0.4,
    cpuGoal: 0.35,
    rounds: [30, 8],
    what: 'docker run --rm --network none IMAGE true',
    args: () => [...START, 'none', IMAGE, 'true'],
  }),
  command({
    name: 'run_bridge',
    goal: 0.35,
    rounds: [30, 8],
    what: 'docker run --rm IMAGE true',
    args: () => [...START, 'bridge', IMAGE, 'true'],
  }),
  command({
    name: 'run_publish',
    goal: 0.35,
    rounds: [20, 6],
    what: 'docker run --rm -p PORT:80 IMAGE true',
    args: (round) => [...START, 'bridge', '-p', `${21_000 + (round & 0xfff)}:80`, IMAGE, 'true'],
  }),
];

const detached = {
  name: 'detached',
  rounds: [20, 5],
  metrics: {
    run_d: { unit: 'ms', what: 'docker run -d --network none IMAGE sleep', goal: 0.5 },
    stop: { unit: 'ms', what: 'docker stop of one that ends at the signal', goal: 0.5 },
    rm_f: { unit: 'ms', what: 'docker rm -f of one that runs', goal: 0.5 },
  },
  async sample(engine) {
    const start = ['run', '-d', '--network', 'none', '--stop-signal', 'KILL', IMAGE, 'sleep', '1000'];
    const first = engine.docker(start);
    if (!(await engine.client.inspect(first.stdout)).State.Running) throw new Error('not running after run -d');
    const stop = engine.docker(['stop', first.stdout]).ms;
    engine.docker(['rm', first.stdout]);
    const second = engine.docker(start);
    return { run_d: (first.ms + second.ms) / 2, stop, rm_f: engine.docker(['rm', '-f', second.stdout]).ms };
  },
};

const exec = {
  name: 'exec',
  rounds: [30, 8],
  cpu: 'exec_cpu',
  operations: 2,
  metrics: {
    exec: { unit: 'ms', what: 'docker exec CONTAINER true', goal: 0.85 },
    exec_api: { unit: 'ms', what: 'exec by HTTP: create, start attached, to its end', goal: 0.85 },
    exec_bare: { unit: 'ms', what: "the runtime's own exec in the same container, without an engine: what no engine can save" },
    exec_cpu: { unit: 'ms', what: "CPU time of the engine for it, the process' own not counted", goal: 0.85 },
  },
  async setUp(engine) {
    engine.held = await engine.client.create({ image: IMAGE, cmd: ['sleep', '10000'] });
    await engine.client.start(engine.held);
  },
  sample: async (engine) => ({
    exec: engine.docker(['exec', engine.held, 'true']).ms,
    exec_api: await engine.client.exec(engine.held, ['true']),
    ...(engine.bareExec === undefined ? {} : { exec_bare: engine.bareExec(engine.held, ['true']) }),
  }),
  tearDown: (engine) => engine.client.remove(engine.held),
};

const startUp = {
  name: 'command_line',
  rounds: [20, 5],
  metrics: {
    docker_version: { unit: 'ms', what: 'docker version: the client starts and asks once' },
    docker_ps: { unit: 'ms', what: 'docker ps' },
    cleat_version: { unit: 'ms', what: 'cleat version: the client starts and asks once' },
    cleat_ps: { unit: 'ms', what: 'cleat ps' },
  },
  sample: (engine) => ({
    docker_version: engine.docker(['version']).ms,
    docker_ps: engine.docker(['ps']).ms,
    ...(engine.command === undefined ? {} : { cleat_version: engine.command(['version']).ms, cleat_ps: engine.command(['ps']).ms }),
  }),
};

export const commandBenches = [...runs, detached, exec, startUp];
