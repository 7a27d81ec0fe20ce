export { manifest } from './manifest.ts';
export { gateway as plugin } from './plugin.ts';
