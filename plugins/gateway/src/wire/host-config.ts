import type { container, containerTypes } from '@cleat/schemas';
import { claimsOf } from './container-parts.ts';
import { isObject, type JsonObject, objectAt, parseObject, stringAt, stringMapAt } from './json.ts';
import { remembered } from './remembered.ts';

/** What Docker shows when nothing was asked for. */
const DEFAULTS: JsonObject = {
  Binds: null,
  ContainerIDFile: '',
  PortBindings: {},
  VolumeDriver: '',
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  Isolation: '',
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  Ulimits: [],
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
};

const DEFAULT_PERIOD_US = 100_000;

/** Limits as they are now: update changes them behind the request that is remembered. */
function limitsOf(resources: containerTypes.Resources, asked: JsonObject): JsonObject {
  const isByCpus = typeof asked['NanoCpus'] === 'number' && asked['NanoCpus'] > 0;
  const period = resources.cpuPeriodUs === 0 ? DEFAULT_PERIOD_US : resources.cpuPeriodUs;
  return {
    CpuShares: resources.cpuShares,
    Memory: resources.memoryBytes,
    NanoCpus: isByCpus ? Math.round((resources.cpuQuotaUs / period) * 1e9) : 0,
    CpuPeriod: isByCpus ? 0 : resources.cpuPeriodUs,
    CpuQuota: isByCpus ? 0 : resources.cpuQuotaUs,
    CpusetCpus: resources.cpusetCpus,
    CpusetMems: resources.cpusetMems,
    MemoryReservation: resources.memoryReservationBytes,
    MemorySwap: resources.memorySwapBytes,
    MemorySwappiness: resources.memorySwappiness < 0 ? null : resources.memorySwappiness,
    OomKillDisable: resources.oomKillDisable,
    PidsLimit: resources.pidsLimit === 0 ? null : resources.pidsLimit,
    BlkioWeight: resources.blkioWeight,
  };
}

/** What the spec says, for containers of every client. */
function derived(info: container.Info): JsonObject {
  const { spec } = info;
  const { namespaces, process } = spec;
  return {
    AutoRemove: spec.autoRemove,
    Annotations: spec.annotations,
    CgroupnsMode: namespaces.cgroup,
    IpcMode: namespaces.ipc,
    PidMode: namespaces.pid === 'private' ? '' : namespaces.pid,
    UTSMode: namespaces.uts === 'private' ? '' : namespaces.uts,
    OomScoreAdj: process.oomScoreAdj ?? 0,
    Privileged: spec.privileged,
    ReadonlyRootfs: spec.readonlyRootfs,
    ShmSize: spec.shmSizeBytes,
    Runtime: spec.runtime === '' ? 'runc' : spec.runtime,
    CgroupParent: spec.cgroupParent,
    Devices: spec.devices.map((device) => ({
      PathOnHost: device.hostPath,
      PathInContainer: device.containerPath,
      CgroupPermissions: device.permissions,
    })),
    MaskedPaths: spec.maskedPaths,
    ReadonlyPaths: spec.readonlyPaths,
    RestartPolicy: { Name: spec.restart.name, MaximumRetryCount: spec.restart.maximumRetries },
    ...(Object.keys(spec.sysctls).length > 0 ? { Sysctls: spec.sysctls } : {}),
    ...(spec.init ? { Init: true } : {}),
    ...limitsOf(spec.resources, remembered(info.client).host),
  };
}

function logConfigOf(info: container.Info): JsonObject {
  const state = claimsOf(info, 'log')[0];
  const options = parseObject(state?.claim.options ?? '');
  const driver = stringAt(parseObject(state?.status ?? ''), 'driver') || stringAt(options, 'driver');
  return { Type: driver || (state === undefined ? 'none' : 'json-file'), Config: stringMapAt(options, 'options') };
}

/** As asked for, with every member that clients read. */
function portBindingsOf(asked: JsonObject): JsonObject {
  const bindings = Object.entries(objectAt(asked, 'PortBindings')).map(([port, list]) => {
    const places = (Array.isArray(list) ? list : []).map((place) => ({
      HostIp: stringAt(place, 'HostIp'),
      HostPort: stringAt(place, 'HostPort'),
    }));
    return [port, places] as const;
  });
  return Object.fromEntries(bindings);
}

/** HostConfig: the defaults, then what was asked for, then what is true now. */
export function hostConfigOf(info: container.Info, networkMode: string): JsonObject {
  const asked = remembered(info.client).host;
  const own = derived(info);
  const isEmptyMap = isObject(own['Annotations']) && Object.keys(own['Annotations']).length === 0;
  const { Annotations: annotations, ...rest } = own;
  return {
    ...DEFAULTS,
    ...asked,
    ...rest,
    ...(isEmptyMap ? {} : { Annotations: annotations }),
    PortBindings: portBindingsOf(asked),
    NetworkMode: networkMode,
    LogConfig: logConfigOf(info),
  };
}
