import { encodeProtobuf, parseProtobuf } from './codec.ts';
import { faultsError, type Fault } from './error.ts';
import type { LedgerEntry, LedgerEntryKind } from './generated/types.ts';

/** Longest ledger entry, in bytes: what a u16 length prefix can say. */
export const MAX_ENTRY_BYTES = 65_535;

/** The version of the entry format that this code writes and reads. */
export const ENTRY_VERSION = 1;

/** Members that each kind must have beyond the always required ones. A kind has no other. */
const MEMBERS: Readonly<Record<LedgerEntryKind, readonly (keyof LedgerEntry)[]>> = {
  SENT: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest'],
  RECEIVED: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest', 'detail'],
  REFUSED: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest', 'reason', 'detail'],
  VOIDED: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest', 'reason'],
  RECEIPT_HELD: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest', 'detail'],
  OPENED: ['detail'],
  ACTED: ['detail'],
  WITNESSED: ['peer', 'detail'],
  EVIDENCE_COMPLETE: ['peer', 'message_id', 'detail'],
  MANIFEST: ['detail'],
  KEY: ['detail'],
  DISCLOSED: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest'],
  INCIDENT: ['detail'],
  EVIDENCE_DELETED: ['detail'],
  EPOCH: ['detail'],
  RESUMED: ['peer', 'detail'],
  RECOVERED: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest', 'detail'],
  ERASED: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest', 'detail'],
  WITHHELD: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest', 'detail'],
};
const DETAILS: Partial<Record<LedgerEntryKind, readonly string[]>> = {
  RECEIVED: ['peer_entry'],
  REFUSED: ['peer_entry'],
  RECEIPT_HELD: ['peer_entry'],
  OPENED: ['act'],
  ACTED: ['act'],
  MANIFEST: ['manifest'],
  KEY: ['key'],
  INCIDENT: ['incident'],
  WITNESSED: ['witnessed'],
  // At the recipient the file, or what was lost and says so; at the sender the recipient's word for it.
  EVIDENCE_COMPLETE: ['evidence_arrived', 'peer_entry', 'recovered'],
  EVIDENCE_DELETED: ['evidence_deleted'],
  EPOCH: ['epoch'],
  // At the node what the peer held; at the peer the node's word for it.
  RESUMED: ['resumed', 'peer_entry'],
  RECOVERED: ['recovered'],
  ERASED: ['erased'],
  WITHHELD: ['withheld'],
};
const ALWAYS: readonly (keyof LedgerEntry)[] = ['version', 'kind', 'time'];
// A message that was given up after the peer had refused nothing leaves its reason; an incident may be about one message or none.
const OPTIONAL: Partial<Record<LedgerEntryKind, readonly (keyof LedgerEntry)[]>> = {
  RECEIVED: ['reason'],
  RECEIPT_HELD: ['reason'],
  // Where it was one message that was read or decided on.
  OPENED: ['message_id'],
  ACTED: ['message_id'],
  RECOVERED: ['reason'],
  INCIDENT: ['peer', 'message_id', 'seq', 'sealed_digest', 'signed_digest'],
};

const ALLOWED: ReadonlyMap<LedgerEntryKind, ReadonlySet<keyof LedgerEntry>> = new Map(
  (Object.keys(MEMBERS) as LedgerEntryKind[]).map((kind) => [
    kind,
    new Set([...ALWAYS, ...MEMBERS[kind], ...(OPTIONAL[kind] ?? [])]),
  ]),
);

/**
 * Reads a ledger entry: canonical, and with exactly the members of its kind.
 * @throws {WireError} WIRE_TOO_LARGE, WIRE_MALFORMED, WIRE_FIELDS_INVALID
 */
export function parseLedgerEntry(bytes: Uint8Array): LedgerEntry {
  const entry = parseProtobuf('LedgerEntry', bytes, MAX_ENTRY_BYTES);
  const faults = entryFaults(entry);
  if (faults.length > 0) throw faultsError(faults);
  return entry;
}

/** @throws {TypeError} when the members do not fit the kind, which is a programmer's mistake */
export function encodeLedgerEntry(entry: LedgerEntry): Uint8Array {
  const [fault] = entryFaults(entry);
  if (fault !== undefined) throw new TypeError(`ledger entry: ${fault.path} ${fault.message}`);
  return encodeProtobuf('LedgerEntry', entry);
}

function entryFaults(entry: LedgerEntry): Fault[] {
  const faults: Fault[] = [];
  if (entry.version !== ENTRY_VERSION)
    faults.push({ path: 'version', code: 'BAD_VALUE', message: `must be ${ENTRY_VERSION}` });
  const needed = MEMBERS[entry.kind];
  const allowed = ALLOWED.get(entry.kind)!;
  for (const name of needed) {
    if (!isThere(entry[name]))
      faults.push({ path: name, code: 'REQUIRED', message: `is required in a ${entry.kind} entry` });
  }
  for (const name of Object.keys(entry) as (keyof LedgerEntry)[]) {
    if (isThere(entry[name]) && !allowed.has(name)) {
      faults.push({ path: name, code: 'UNKNOWN_FIELD', message: `has no place in a ${entry.kind} entry` });
    }
  }
  if (entry.detail !== undefined && DETAILS[entry.kind]?.includes(entry.detail.type) !== true) {
    faults.push({ path: entry.detail.type, code: 'UNKNOWN_FIELD', message: `has no place in a ${entry.kind} entry` });
  }
  return faults;
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== 0;
}
