import { concatBytes, parseJurisdictionCode, parseUuid, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { encodeInPool, parseJson, parseProtobuf } from './codec.ts';
import { WireError, faultsError } from './error.ts';
import type { Header, Message as WireMessage } from './generated/types.ts';
import { padmeSize } from './padding.ts';

/** Longest payload of a message, in bytes. */
export const MAX_PAYLOAD_BYTES = 524_288;

/** The version of the message schema that this code speaks. */
export const SCHEMA_VERSION = 1;

/** The body of a message: which step of casework, and its content. */
export type Body = NonNullable<WireMessage['body']>;

/** Names of the bodies, as in `message.proto`. */
export type BodyType = Body['type'];

/** A header whose identifiers are typed; padding is the encoder's business. */
export type MessageHeader = Omit<Header, 'message_id' | 'case_id' | 'in_reply_to' | 'from' | 'to' | 'padding'> & {
  readonly message_id: Uuid;
  readonly case_id: Uuid;
  readonly in_reply_to?: Uuid | undefined;
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
};

/** A whole message. */
export interface Message {
  readonly header: MessageHeader;
  readonly body: Body;
}

/** What a person writes: a body, and the case or message it belongs to. */
export interface Draft {
  readonly case_id?: Uuid | undefined;
  readonly in_reply_to?: Uuid | undefined;
  /** Unix milliseconds; 0 for never. */
  readonly expires_at: number;
  /** Messages and files received here whose content this one uses without naming them. It never travels. */
  readonly draws_on: readonly string[];
  readonly body: Body;
}

/**
 * Reads the payload of a signed message.
 * @throws {WireError} WIRE_TOO_LARGE, WIRE_MALFORMED, WIRE_FIELDS_INVALID
 */
export function parseMessage(payload: Uint8Array): Message {
  const { header, body } = parseProtobuf('Message', payload, MAX_PAYLOAD_BYTES);
  if (body === undefined) throw faultsError([{ path: '', code: 'REQUIRED', message: 'has no body' }]);
  const { in_reply_to: answered } = header;
  return {
    header: {
      message_id: parseUuid(header.message_id),
      case_id: parseUuid(header.case_id),
      in_reply_to: answered === undefined ? undefined : parseUuid(answered),
      from: parseJurisdictionCode(header.from),
      to: parseJurisdictionCode(header.to),
      seq: header.seq,
      recipient_kid: header.recipient_kid,
      issued_at: header.issued_at,
      expires_at: header.expires_at,
      manifest_version: header.manifest_version,
      schema_version: header.schema_version,
    },
    body,
  };
}

/**
 * The payload of a message, filled with padding up to its Padmé size.
 * @throws {WireError} WIRE_TOO_LARGE
 */
export function encodeMessage(message: Message): Uint8Array {
  // The header is the first field and the body the only other: one after the other, their encodings are the message's.
  const body = encodeInPool('Message', { body: message.body } as WireMessage);
  const bare = encodeInPool('Header', message.header);
  const length = (paddingBytes: number): number => delimited(bare.length + padded(paddingBytes)) + body.length;
  let padding = 0;
  let target = padmeSize(length(padding));
  // Padding also lengthens the length prefixes around it, so the first guess can overshoot: aim again, at the next size if need be.
  while (length(padding) !== target) {
    if (length(padding) > target) target = padmeSize(length(padding));
    if (length(padding) < target) padding += Math.max(1, target - length(padding) - (padding === 0 ? 2 : 0));
  }
  const header = encodeInPool('Message', { header: withPadding(message.header, padding), body: undefined });
  const payload = concatBytes(header, body);
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new WireError(
      'WIRE_TOO_LARGE',
      `The message is ${payload.length} bytes long; at most ${MAX_PAYLOAD_BYTES} are allowed.`,
    );
  }
  return payload;
}

// Member by member: to the engine every header is then of one shape.
function withPadding(header: MessageHeader, paddingBytes: number): Header {
  return {
    message_id: header.message_id,
    case_id: header.case_id,
    in_reply_to: header.in_reply_to,
    from: header.from,
    to: header.to,
    seq: header.seq,
    recipient_kid: header.recipient_kid,
    issued_at: header.issued_at,
    expires_at: header.expires_at,
    manifest_version: header.manifest_version,
    schema_version: header.schema_version,
    padding: paddingBytes > 0 ? new Uint8Array(paddingBytes) : undefined,
  } satisfies { readonly [Member in keyof Required<Header>]: Header[Member] };
}

/** Bytes of the header's padding with what stands before it; none where there is no padding. */
function padded(paddingBytes: number): number {
  return paddingBytes === 0 ? 0 : delimited(paddingBytes);
}

/** Bytes of a field that is so many bytes long, with a tag of one byte and its length before it. */
function delimited(bytes: number): number {
  let length = 2 + bytes;
  for (let rest = bytes; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/**
 * Reads a draft from a JSON value: one body under its name, and `case_id`, `in_reply_to`, `expires_at` beside it.
 * @throws {WireError} WIRE_FIELDS_INVALID with every fault
 */
export function parseDraft(value: unknown): Draft {
  const draft = parseJson('Draft', value);
  const { body } = draft;
  if (body === undefined) {
    throw faultsError([{ path: '', code: 'REQUIRED', message: 'needs a body, such as assistance_request' }]);
  }
  return {
    case_id: draft.case_id === undefined ? undefined : parseUuid(draft.case_id),
    in_reply_to: draft.in_reply_to === undefined ? undefined : parseUuid(draft.in_reply_to),
    expires_at: draft.expires_at,
    draws_on: draft.draws_on,
    body,
  };
}
