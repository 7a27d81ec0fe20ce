import type { volume } from '@cleat/schemas';
import { type JsonObject, parseObject } from './json.ts';
import { rfc3339 } from './time.ts';

/** A volume in the API's shape; with usage only where it was asked for. */
export function volumeObject(info: volume.Info, options: { readonly withUsage?: boolean } = {}): JsonObject {
  const status = parseObject(info.status);
  return {
    CreatedAt: rfc3339(info.createdAt),
    Driver: info.driver,
    Labels: info.labels,
    Mountpoint: info.mountpoint,
    Name: info.name,
    Options: Object.keys(info.options).length > 0 ? info.options : null,
    Scope: info.scope,
    ...(Object.keys(status).length > 0 ? { Status: status } : {}),
    ...(options.withUsage === true ? { UsageData: { Size: info.sizeBytes, RefCount: info.references } } : {}),
  };
}
