export { manifest } from './manifest.ts';
export { networkPlugin as plugin } from './plugin.ts';
