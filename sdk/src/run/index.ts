/** Running plugins: in a process of the kernel's, or in their own. */
export { run, runPlugins, type RunPluginsOptions, runProcess } from './host.ts';
export { readRunFile, type RunEntry, type RunFile } from './run-file.ts';
