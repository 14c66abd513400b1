import { encodeChunk, tryParseChunk } from './chunk-frame.ts';
import { encodeInPool, encodeProtobuf, parseProtobuf } from './codec.ts';
import { faultsError } from './error.ts';
import type { Frame as WireFrame, Receipt } from './generated/types.ts';

/** Longest frame, in bytes: the WebSocket's `maxPayload`. */
export const MAX_FRAME_BYTES = 1_048_576;

/** The version of the session protocol that this code speaks. */
export const PROTOCOL_VERSION = 1;

/** One frame of a session. */
export type Frame = NonNullable<WireFrame['frame']>;

/**
 * Reads one binary WebSocket message.
 * @throws {WireError} WIRE_TOO_LARGE, WIRE_MALFORMED, WIRE_FIELDS_INVALID
 */
export function parseFrame(bytes: Uint8Array): Frame {
  const chunk = bytes.length <= MAX_FRAME_BYTES ? tryParseChunk(bytes) : undefined;
  if (chunk !== undefined) return { type: 'evidence_chunk', value: chunk };
  const { frame } = parseProtobuf('Frame', bytes, MAX_FRAME_BYTES);
  if (frame === undefined) throw faultsError([{ path: '', code: 'REQUIRED', message: 'is empty' }]);
  return frame;
}

/** One binary WebSocket message. */
export function encodeFrame(frame: Frame): Uint8Array {
  return frame.type === 'evidence_chunk' ? encodeChunk(frame.value) : encodeInPool('Frame', { frame });
}

/**
 * Reads a receipt that stands by itself, as in an audit bundle.
 * @throws {WireError} WIRE_TOO_LARGE, WIRE_MALFORMED, WIRE_FIELDS_INVALID
 */
export function parseReceipt(bytes: Uint8Array): Receipt {
  return parseProtobuf('Receipt', bytes, 90_000);
}

/** A receipt that stands by itself. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  return encodeProtobuf('Receipt', receipt);
}
