/** Running plugins: in a process of the kernel's, or in their own. */
export { type RunPluginsOptions, run, runPlugins, runProcess } from './host.ts';
export { type RunEntry, type RunFile, readRunFile } from './run-file.ts';
