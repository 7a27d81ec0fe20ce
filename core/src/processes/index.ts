export { KeptProcess, type KeptProcessSettings } from './kept-process.ts';
