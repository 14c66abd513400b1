/** The short way for frames with chunks: to the byte what the codec says, of good ones and of all others. */
import { describe, expect, test } from 'vitest';
import { encodeProtobuf, parseProtobuf } from '../../src/wire/codec.ts';
import { encodeChunk, tryParseChunk } from '../../src/wire/chunk-frame.ts';
import { MAX_FRAME_BYTES, encodeFrame, parseFrame, type Frame } from '../../src/wire/mod.ts';
import { fc } from '../kit/property.ts';

const FILE_ID = '019b0000-0000-7000-8000-0000000000aa';
const byCodec = (bytes: Uint8Array): Frame | undefined => parseProtobuf('Frame', bytes, MAX_FRAME_BYTES).frame;
const chunks = fc.record({
  file_id: fc.constant(FILE_ID),
  index: fc.oneof(fc.constant(0), fc.nat(), fc.maxSafeNat()),
  sealed: fc.uint8Array({ minLength: 1, maxLength: 300 }),
});

/** What came of reading: the frame, or the code of the refusal. */
function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}

describe('a frame with a chunk', () => {
  test('is written and read as the codec does it', () => {
    fc.assert(
      fc.property(chunks, (value) => {
        const frame: Frame = { type: 'evidence_chunk', value };
        const bytes = encodeChunk(value);
        expect(Buffer.compare(bytes, encodeProtobuf('Frame', { frame }))).toBe(0);
        expect(tryParseChunk(bytes)).toEqual(value);
        expect(byCodec(bytes)).toEqual(frame);
      }),
    );
  });

  test('with any byte changed, missing or added is what the codec says', () => {
    fc.assert(
      fc.property(
        chunks,
        fc.nat(),
        fc.nat(255),
        fc.constantFrom('set', 'cut', 'add', 'drop'),
        (value, where, byte, how) => {
          const good = encodeChunk(value);
          // Where the lengths and the numbers are, most of the time.
          const at = where % (where % 3 === 0 ? good.length : Math.min(60, good.length));
          const left = good.subarray(0, at);
          const changed =
            how === 'cut'
              ? left
              : Uint8Array.from([
                  ...left,
                  ...(how === 'drop' ? [] : [byte]),
                  ...good.subarray(how === 'add' ? at : at + 1),
                ]);
          expect(outcome(() => parseFrame(changed))).toEqual(outcome(() => byCodec(changed) ?? parseFrame(changed)));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('of the greatest length passes, and one byte more does not', () => {
    const frame = (length: number): Frame => ({
      type: 'evidence_chunk',
      value: { file_id: FILE_ID, index: 2 ** 53 - 1, sealed: new Uint8Array(length).fill(7) },
    });
    const read = parseFrame(encodeFrame(frame(524_304)));
    expect(Buffer.compare(encodeFrame(read), encodeFrame(frame(524_304)))).toBe(0);
    expect(outcome(() => parseFrame(encodeFrame(frame(524_305))))).toBe('WIRE_FIELDS_INVALID');
    expect(outcome(() => parseFrame(encodeFrame(frame(0))))).toBe(outcome(() => byCodec(encodeFrame(frame(0)))));
  });
});
