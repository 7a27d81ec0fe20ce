/** Bytes that travel beside the bus: a local socket for one client, and Docker's frames. */
export { encodeFrame, FrameDecoder, type FramePart, type FrameStream, frameHeader } from './frames.ts';
export { openStream } from './open-stream.ts';
