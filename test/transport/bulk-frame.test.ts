/** Frames that are written around a message in its own memory: byte for byte what `ws` makes of it, and taken for the same. */
import * as ws from 'ws';
import { describe, expect, it } from 'vitest';
import { frameInPlace } from '../../src/transport/bulk-frame.ts';
import { FRAME_ROOM_BYTES, encodeFrame } from '../../src/wire/mod.ts';

const FILE_ID = '019b0000-0000-7000-8000-0000000000aa';
const chunk = (length: number): Uint8Array =>
  encodeFrame({
    type: 'evidence_chunk',
    value: { file_id: FILE_ID, index: 7, sealed: new Uint8Array(length).fill(7) },
  });

/** What `ws` itself would write. */
function written(message: Uint8Array): Buffer {
  const options = { fin: true, opcode: 2, mask: false, readOnly: true, rsv1: false };
  // Not among its declared types.
  const { Sender } = ws as unknown as { Sender: { frame: (data: Buffer, how: typeof options) => Buffer[] } };
  return Buffer.concat(Sender.frame(Buffer.from(message), options));
}

describe('a frame in place', () => {
  it.each([65_536, 262_160, 524_304])('of a chunk of %i bytes is the one that ws writes', (length) => {
    const message = chunk(length);
    const expected = written(message);
    const frame = frameInPlace(message)!;
    expect(Buffer.compare(frame, expected)).toBe(0);
    expect(frame.buffer).toBe(message.buffer);
  });

  it('is not made of what is short, or has no room before it', () => {
    expect(frameInPlace(chunk(1_000))).toBeUndefined();
    expect(frameInPlace(new Uint8Array(100_000))).toBeUndefined();
    expect(frameInPlace(new Uint8Array(100_000).subarray(FRAME_ROOM_BYTES - 1))).toBeUndefined();
  });
});
