export { encodeProtobuf, parseJson, parseProtobuf, toJson } from './codec.ts';
export { WireError, faultsError, type Fault, type FaultCode, type WireErrorCode } from './error.ts';
export { formatOf } from './format.ts';
export {
  MAX_FRAME_BYTES,
  PROTOCOL_VERSION,
  encodeFrame,
  encodeReceipt,
  parseFrame,
  parseReceipt,
  type Frame,
} from './frame.ts';
export { CHUNK_HEAD_BYTES, FRAME_ROOM_BYTES, layChunk } from './chunk-frame.ts';
export type * from './generated/types.ts';
export { ENTRY_VERSION, MAX_ENTRY_BYTES, encodeLedgerEntry, parseLedgerEntry } from './ledger-entry.ts';
export {
  MAX_PAYLOAD_BYTES,
  SCHEMA_VERSION,
  encodeMessage,
  parseDraft,
  parseMessage,
  type Body,
  type BodyType,
  type Draft,
  type Message,
  type MessageHeader,
} from './message.ts';
export { padmeSize } from './padding.ts';
export type { FieldRow } from './schema.ts';
export { BODY_TYPES, bodyTypeName, enumNames, fieldsOf } from './vocabulary.ts';
