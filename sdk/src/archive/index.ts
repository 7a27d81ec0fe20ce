// Tars of file trees, and trees of tars, for who reads or writes the files of a container (`view.open`).

export type { ExtractTree } from './tar-in.ts';
export { extractTree } from './tar-in.ts';
export type { PackTree } from './tar-out.ts';
export { packTree } from './tar-out.ts';
