/** Bytes that travel beside the bus: a local socket for one client, Docker's frames, and the keys that leave a terminal. */
export { DetachDetector, parseDetachKeys } from '@cleat/core/terminal';
export { encodeFrame, FrameDecoder, type FramePart, type FrameStream, frameHeader } from './frames.ts';
export { openStream } from './open-stream.ts';
