import type { container } from '@cleat/schemas';
import {
  claimsOf,
  dockerState,
  endpointsOf,
  exposedPortsOf,
  mountPointsOf,
  networkModeOf,
  networksOf,
  portMapOf,
} from './container-parts.ts';
import { hostConfigOf } from './host-config.ts';
import { isObject, type JsonObject, parseObject, stringAt, stringMapAt } from './json.ts';
import { remembered } from './remembered.ts';
import { rfc3339 } from './time.ts';

/** Reference that the user wrote; for a container from a directory, the directory. */
export function imageNameOf(info: container.Info): string {
  const root = parseObject(claimsOf(info, 'root')[0]?.claim.options ?? '');
  return info.attributes['image'] ?? (stringAt(root, 'reference') || stringAt(root, 'image') || info.spec.rootfs);
}

export function imageIdOf(info: container.Info): string {
  return stringAt(parseObject(claimsOf(info, 'root')[0]?.claim.options ?? ''), 'image');
}

function stateOf(info: container.Info): JsonObject {
  const { state } = info;
  const status = dockerState(state.status);
  const health = parseObject(claimsOf(info, 'health')[0]?.status ?? '');
  return {
    Status: status,
    Running: status === 'running' || status === 'paused' || status === 'restarting',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: status === 'dead',
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: rfc3339(state.startedAt),
    FinishedAt: rfc3339(state.finishedAt),
    ...(typeof health['Status'] === 'string' ? { Health: health } : {}),
  };
}

function setOf(names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function configOf(info: container.Info): JsonObject {
  const { spec } = info;
  const { process } = spec;
  const asked = remembered(info.client);
  const exposed = exposedPortsOf(endpointsOf(info)).map((port) => `${port.port}/${port.protocol}`);
  const given = isObject(asked.config['ExposedPorts']) ? Object.keys(asked.config['ExposedPorts']) : [];
  const ports = new Set([...given, ...exposed]);
  const entrypoint = process.args.slice(0, asked.entrypointLength);
  const command = process.args.slice(asked.entrypointLength);
  return {
    Hostname: spec.hostname,
    Domainname: spec.domainname,
    User: process.user,
    AttachStdin: asked.config['AttachStdin'] === true,
    AttachStdout: asked.config['AttachStdout'] === true,
    AttachStderr: asked.config['AttachStderr'] === true,
    ...(ports.size > 0 ? { ExposedPorts: setOf([...ports]) } : {}),
    Tty: process.terminal,
    OpenStdin: process.openStdin,
    StdinOnce: process.stdinOnce,
    Env: process.env,
    Cmd: command.length > 0 ? command : null,
    ...(isObject(asked.config['Healthcheck']) ? { Healthcheck: asked.config['Healthcheck'] } : healthcheckOf(info)),
    Image: imageNameOf(info),
    Volumes: volumesOf(info, asked.config),
    WorkingDir: process.cwd === '/' ? stringAt(asked.config, 'WorkingDir') : process.cwd,
    Entrypoint: entrypoint.length > 0 ? entrypoint : null,
    ...(asked.config['NetworkDisabled'] === true ? { NetworkDisabled: true } : {}),
    OnBuild: null,
    Labels: spec.labels,
    ...(spec.stopSignal === 'SIGTERM' && asked.config['StopSignal'] === undefined ? {} : { StopSignal: spec.stopSignal }),
    ...(typeof asked.config['StopTimeout'] === 'number' ? { StopTimeout: asked.config['StopTimeout'] } : {}),
    ...(Array.isArray(asked.config['Shell']) ? { Shell: asked.config['Shell'] } : {}),
  };
}

/** The check that came from the image. */
function healthcheckOf(info: container.Info): JsonObject {
  const options = parseObject(claimsOf(info, 'health')[0]?.claim.options ?? '');
  if (!Array.isArray(options['test'])) return {};
  const names: readonly (readonly [string, string])[] = [
    ['intervalNs', 'Interval'],
    ['timeoutNs', 'Timeout'],
    ['startPeriodNs', 'StartPeriod'],
    ['startIntervalNs', 'StartInterval'],
    ['retries', 'Retries'],
  ];
  const values = names.filter(([name]) => typeof options[name] === 'number').map(([name, wire]) => [wire, options[name]] as const);
  return { Healthcheck: { Test: options['test'], ...Object.fromEntries(values) } };
}

function volumesOf(info: container.Info, asked: JsonObject): JsonObject | null {
  const given = isObject(asked['Volumes']) ? Object.keys(asked['Volumes']) : [];
  const fromImage = claimsOf(info, 'volume')
    .filter((state) => state.claim.fromImage)
    .map((state) => stringAt(parseObject(state.claim.options), 'target'));
  const all = new Set([...given, ...fromImage]);
  return all.size > 0 ? setOf([...all]) : null;
}

/** GET /containers/{id}/json, in the newest shape. */
export function containerInspect(info: container.Info): JsonObject {
  const { spec } = info;
  const [path = '', ...args] = spec.process.args;
  const root = parseObject(claimsOf(info, 'root')[0]?.status ?? '');
  const log = parseObject(claimsOf(info, 'log')[0]?.status ?? '');
  const endpoints = endpointsOf(info);
  return {
    Id: info.id,
    Created: rfc3339(info.createdAt),
    Path: path,
    Args: args,
    State: stateOf(info),
    Image: imageIdOf(info),
    ResolvConfPath: info.paths.resolvConf,
    HostnamePath: info.paths.hostname,
    HostsPath: info.paths.hosts,
    LogPath: stringAt(log, 'path'),
    Name: `/${info.name}`,
    RestartCount: info.state.restartCount,
    Driver: stringAt(root, 'driver') || 'none',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: spec.process.apparmorProfile,
    ExecIDs: info.execs.length > 0 ? info.execs : null,
    HostConfig: hostConfigOf(info, networkModeOf(info)),
    GraphDriver: { Name: stringAt(root, 'driver') || 'none', Data: stringMapAt(root, 'data') },
    Mounts: mountPointsOf(info),
    Config: configOf(info),
    NetworkSettings: {
      SandboxID: info.paths.networkNamespace === '' ? '' : info.id,
      SandboxKey: info.paths.networkNamespace,
      Ports: portMapOf(endpoints),
      Networks: networksOf(info),
    },
  };
}
