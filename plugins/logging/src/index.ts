export { manifest } from './manifest.ts';
export { plugin } from './plugin.ts';
