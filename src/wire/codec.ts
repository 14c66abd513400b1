import { bytesToBase64url } from '../base/mod.ts';
import { WireError, faultsError } from './error.ts';
import { FaultList } from './fault-list.ts';
import type { WireTypes } from './generated/types.ts';
import { readJson } from './json-reader.ts';
import { readMessage } from './reader.ts';
import { messageSchema, type Field, type MessageSchema } from './schema.ts';
import { writeMessage } from './writer.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads one message from its canonical protobuf encoding.
 * @param maxBytes refused unread beyond this
 * @throws {WireError} WIRE_TOO_LARGE, WIRE_MALFORMED, WIRE_FIELDS_INVALID
 */
export function parseProtobuf<T extends keyof WireTypes>(type: T, bytes: Uint8Array, maxBytes: number): WireTypes[T] {
  if (bytes.length > maxBytes) throw new WireError('WIRE_TOO_LARGE', `Longer than ${maxBytes} bytes.`);
  const faults = new FaultList();
  return trusted(readMessage(type, bytes, faults), faults);
}

/**
 * Reads one message from a JSON value: members named as in the `.proto` files, enum values by name without their prefix, bytes in
 * base64url, times as Unix milliseconds or ISO 8601 text.
 * @throws {WireError} WIRE_FIELDS_INVALID
 */
export function parseJson<T extends keyof WireTypes>(type: T, value: unknown): WireTypes[T] {
  const faults = new FaultList();
  return trusted(readJson(type, value, faults), faults);
}

/** The canonical protobuf encoding of a trusted value. */
export function encodeProtobuf<T extends keyof WireTypes>(type: T, value: WireTypes[T]): Uint8Array {
  // A copy, and a plain one: it may be kept for long, and the writer's result is a part of a pool that others share.
  return new Uint8Array(encodeInPool(type, value));
}

/** The same, for what is sent or copied at once: kept, it would keep all of the pool that it is a part of. */
export function encodeInPool<T extends keyof WireTypes>(type: T, value: WireTypes[T]): Uint8Array {
  return writeMessage(messageSchema(type), value as Members);
}

/** A trusted value as a JSON value, the inverse of `parseJson`. */
export function toJson<T extends keyof WireTypes>(type: T, value: WireTypes[T]): Record<string, unknown> {
  return jsonOf(messageSchema(type), value as Members);
}

function trusted<T extends keyof WireTypes>(value: Members, { faults }: FaultList): WireTypes[T] {
  if (faults.length > 0) throw faultsError(faults);
  return value as unknown as WireTypes[T];
}

// Walks the trusted form, where a oneof is {type, value}, and gives the flat one. Absent stays absent.
function jsonOf(schema: MessageSchema, value: Members): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of schema.plain) {
    const item = value[field.name];
    if (item === undefined || item === 0 || item === false) continue;
    if (!field.repeated) out[field.name] = jsonValue(field, item);
    else if ((item as readonly unknown[]).length > 0)
      out[field.name] = (item as readonly unknown[]).map((element) => jsonValue(field, element));
  }
  for (const name of schema.oneofs.keys()) {
    const chosen = value[name] as { type: string; value: unknown } | undefined;
    if (chosen !== undefined) out[chosen.type] = jsonValue(schema.byName.get(chosen.type)!, chosen.value);
  }
  return out;
}

function jsonValue(field: Field, item: unknown): unknown {
  if (field.message !== undefined) return jsonOf(field.message, item as Members);
  return field.kind === 'bytes' ? bytesToBase64url(item as Uint8Array) : item;
}
