/**
 * The chain of custody: every event is signed by the jurisdiction in whose hands it happened, names the event before it by its digest,
 * and says what the content was before and after. A chain can be continued by anyone and changed by nobody.
 */
import { verify, type KeyObject } from 'node:crypto';
import { bytesToHex, concatBytes, equalBytes, sha256, utf8ToBytes, type JurisdictionCode } from '../base/mod.ts';
import { encodeProtobuf, type CustodyEvent, type CustodyRecord, type Fault, type Hash } from '../wire/mod.ts';

/** What a person says of an event; its number, its link and its signature are the node's to make. */
export type CustodyDraft = Omit<CustodyEvent, 'item_id' | 'number' | 'previous'>;

/** Who signs events. */
export interface CustodySigner {
  readonly jurisdiction: JurisdictionCode;
  readonly kid: string;
  /** Ed25519; 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** A jurisdiction's signing key of that name; undefined when it has none. */
export type CustodyKeys = (jurisdiction: string, kid: string) => KeyObject | undefined;

/** The bytes that an event's signature covers, and whose SHA-256 the next event names. */
export function custodyBytes(event: CustodyEvent, jurisdiction: string): Uint8Array {
  return concatBytes(utf8ToBytes(`rogatory-custody/v1\n${jurisdiction}\n`), encodeProtobuf('CustodyEvent', event));
}

/** Continues a chain by one signed event. */
export function appendCustody(
  itemId: string,
  chain: readonly CustodyRecord[],
  draft: CustodyDraft,
  signer: CustodySigner,
): CustodyRecord {
  const last = chain.at(-1);
  const event: CustodyEvent = {
    ...draft,
    item_id: itemId,
    number: chain.length + 1,
    previous: last === undefined ? undefined : sha256(custodyBytes(last.event, last.jurisdiction)),
  };
  const { jurisdiction, kid } = signer;
  return {
    event,
    jurisdiction,
    kid,
    signature: signer.sign(custodyBytes(event, jurisdiction)),
  };
}

/**
 * Everything that is wrong with a chain: numbers, links, times, contents that change between two events, and signatures.
 * @param path of the chain in the document that holds it
 */
export function custodyFaults(
  itemId: string,
  chain: readonly CustodyRecord[],
  keys: CustodyKeys,
  path: string,
): Fault[] {
  const faults: Fault[] = [];
  let previous: CustodyRecord | undefined;
  let content: Hash | undefined;
  for (const [index, record] of chain.entries()) {
    const { event } = record;
    const at = `${path}[${index}]`;
    const add = (field: string, code: Fault['code'], message: string): void => {
      faults.push({ path: `${at}.${field}`, code, message });
    };
    if (event.item_id !== itemId) add('event.item_id', 'CONFLICT', `is of ${event.item_id}, not of ${itemId}`);
    if (event.number !== index + 1) add('event.number', 'BAD_VALUE', `must be ${index + 1}`);
    const link = previous && sha256(custodyBytes(previous.event, previous.jurisdiction));
    const isLinked =
      link === undefined ? event.previous === undefined : event.previous && equalBytes(event.previous, link);
    if (isLinked !== true) add('event.previous', 'BAD_VALUE', 'does not name the event before it');
    if (previous !== undefined && event.at < previous.event.at)
      add('event.at', 'OUT_OF_RANGE', 'is before the time of the event before it');
    if (isChanged(content, event.hash_before))
      add('event.hash_before', 'CONFLICT', 'is not the content that the event before it left');
    if (
      event.kind !== 'ACQUIRE' &&
      event.kind !== 'ANALYSE' &&
      isChanged(event.hash_before ?? content, event.hash_after)
    )
      add('event.hash_after', 'CONFLICT', `a ${event.kind} leaves the content as it was`);
    content = event.hash_after ?? event.hash_before ?? content;
    const key = keys(record.jurisdiction, record.kid);
    if (key === undefined) add('kid', 'BAD_VALUE', `${record.jurisdiction} has no such signing key`);
    else if (!verify(null, custodyBytes(event, record.jurisdiction), key, record.signature))
      add('signature', 'BAD_VALUE', 'does not verify');
    previous = record;
  }
  return faults;
}

// Two digests can contradict each other only when they are of one kind.
function isChanged(before: Hash | undefined, after: Hash | undefined): boolean {
  if (before === undefined || after?.algorithm !== before.algorithm) return false;
  return bytesToHex(before.value) !== bytesToHex(after.value);
}
