import { FRAME_ROOM_BYTES } from '../wire/mod.ts';

const FIN_BINARY = 0x82;
const LENGTH_OF_64_BITS = 127;
const HEAD_BYTES = 10;

/**
 * The WebSocket frame of a long binary message that is not masked, in the message's own memory. What is given to TLS as a head and a
 * message is copied into one piece first, a quarter of a megabyte each time.
 * @param message behind `FRAME_ROOM_BYTES` that are free; of 65,536 bytes and more, else undefined comes back
 * @see RFC 6455 §5.2
 */
export function frameInPlace({ buffer, byteOffset, length }: Uint8Array): Uint8Array | undefined {
  if (length < 65_536 || byteOffset < FRAME_ROOM_BYTES) return undefined;
  const frame = Buffer.from(buffer, byteOffset - HEAD_BYTES, HEAD_BYTES + length);
  frame[0] = FIN_BINARY;
  frame[1] = LENGTH_OF_64_BITS;
  frame.writeBigUInt64BE(BigInt(length), 2);
  return frame;
}
