import type { image } from '@cleat/schemas';
import type { JsonObject } from './json.ts';
import { rfc3339, unixSeconds } from './time.ts';

/** A member of GET /images/json, in the newest shape. */
export function imageSummary(summary: image.Summary): JsonObject {
  return {
    Id: summary.id,
    ParentId: summary.parent,
    RepoTags: summary.repoTags,
    RepoDigests: summary.repoDigests,
    Created: unixSeconds(summary.createdAt),
    Size: summary.sizeBytes,
    SharedSize: summary.sharedBytes,
    Labels: summary.labels,
    Containers: summary.containers,
  };
}

function setOf(names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function healthcheck(health: image.Health): JsonObject {
  return {
    Test: health.test,
    ...(health.intervalNs === 0 ? {} : { Interval: health.intervalNs }),
    ...(health.timeoutNs === 0 ? {} : { Timeout: health.timeoutNs }),
    ...(health.startPeriodNs === 0 ? {} : { StartPeriod: health.startPeriodNs }),
    ...(health.startIntervalNs === 0 ? {} : { StartInterval: health.startIntervalNs }),
    ...(health.retries === 0 ? {} : { Retries: health.retries }),
  };
}

/** Only what the image says, as the newest version has it. */
function configOf(config: image.Config): JsonObject {
  const lists = { Env: config.env, Cmd: config.cmd, Entrypoint: config.entrypoint, OnBuild: config.onBuild, Shell: config.shell };
  return {
    ...(config.user === '' ? {} : { User: config.user }),
    ...(config.exposedPorts.length === 0 ? {} : { ExposedPorts: setOf(config.exposedPorts) }),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
    ...(config.healthcheck === null ? {} : { Healthcheck: healthcheck(config.healthcheck) }),
    ...(config.argsEscaped ? { ArgsEscaped: true } : {}),
    ...(config.volumes.length === 0 ? {} : { Volumes: setOf(config.volumes) }),
    ...(config.workingDir === '' ? {} : { WorkingDir: config.workingDir }),
    ...(Object.keys(config.labels).length === 0 ? {} : { Labels: config.labels }),
    ...(config.stopSignal === '' ? {} : { StopSignal: config.stopSignal }),
  };
}

/** GET /images/{name}/json, in the newest shape. */
export function imageInspect(info: image.Info): JsonObject {
  const { summary } = info;
  return {
    Id: summary.id,
    RepoTags: summary.repoTags,
    RepoDigests: summary.repoDigests,
    ...(summary.parent === '' ? {} : { Parent: summary.parent }),
    ...(info.comment === '' ? {} : { Comment: info.comment }),
    ...(summary.createdAt === 0n ? {} : { Created: rfc3339(summary.createdAt) }),
    ...(info.dockerVersion === '' ? {} : { DockerVersion: info.dockerVersion }),
    ...(info.author === '' ? {} : { Author: info.author }),
    Config: configOf(info.config),
    Architecture: info.architecture,
    ...(info.variant === '' ? {} : { Variant: info.variant }),
    Os: info.os,
    ...(info.osVersion === '' ? {} : { OsVersion: info.osVersion }),
    Size: summary.sizeBytes,
    GraphDriver: { Name: info.driver, Data: info.driverData },
    RootFS: { Type: 'layers', Layers: info.layers },
    Metadata: { LastTagTime: rfc3339(info.taggedAt) },
  };
}

export function historyItem(entry: image.HistoryEntry): JsonObject {
  return {
    Id: entry.id,
    Created: unixSeconds(entry.createdAt),
    CreatedBy: entry.createdBy,
    Tags: entry.tags.length > 0 ? entry.tags : null,
    Size: entry.sizeBytes,
    Comment: entry.comment,
  };
}

export function removeItem(item: image.RemoveItem): JsonObject {
  return item.untagged !== null ? { Untagged: item.untagged } : { Deleted: item.deleted ?? '' };
}
