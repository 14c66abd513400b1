/**
 * The chain of custody: every event is signed by the jurisdiction in whose hands it happened, names the event before it by its digest,
 * and says what the content was before and after. A chain can be continued by anyone and changed by nobody. An item whose copy was handed
 * over is in two hands: both go on from there, and whoever holds the two parts next joins them.
 */
import { verify, type KeyObject } from 'node:crypto';
import { bytesToBase64url, bytesToHex, concatBytes, sha256, utf8ToBytes, type JurisdictionCode } from '../base/mod.ts';
import { encodeProtobuf, type CustodyEvent, type CustodyRecord, type Fault, type Hash } from '../wire/mod.ts';

/** What a person says of an event; its number, its link and its signature are the node's to make. */
export type CustodyDraft = Omit<CustodyEvent, 'item_id' | 'number' | 'previous' | 'joins'>;

/** Most events that a node keeps of one item, and most that a message may carry: what the recipient adds has to find room. */
export const MAX_CUSTODY = { kept: 1024, sent: 768 } as const;

/** Who signs events. */
export interface CustodySigner {
  readonly jurisdiction: JurisdictionCode;
  readonly kid: string;
  /** Ed25519; 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** A jurisdiction's signing key of that name; undefined when it has none. */
export type CustodyKeys = (jurisdiction: string, kid: string) => KeyObject | undefined;

// A node that lists its exhibits verifies every chain: this many events are remembered, about three megabytes.
const REMEMBERED = 16_384;

/** Signatures that have been verified, so that a chain that is looked at again costs only what is new in it. */
export class VerifiedCustody {
  readonly #known = new Set<string>();

  /** Whether the signature verifies; a key id names one key for ever. */
  verify(record: CustodyRecord, key: KeyObject): boolean {
    const { event, jurisdiction, kid, signature } = record;
    const id = `${custodyName(record)}.${kid}.${bytesToBase64url(signature)}`;
    if (this.#known.has(id)) return true;
    if (!verify(null, custodyBytes(event, jurisdiction), key, signature)) return false;
    const oldest = this.#known.size < REMEMBERED ? undefined : this.#known.values().next().value;
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.add(id);
    return true;
  }
}

/** The bytes that an event's signature covers, and whose SHA-256 the next event names. */
export function custodyBytes(event: CustodyEvent, jurisdiction: string): Uint8Array {
  return concatBytes(utf8ToBytes(`rogatory-custody/v1\n${jurisdiction}\n`), encodeProtobuf('CustodyEvent', event));
}

/** Continues a chain by one signed event: it follows the last one, and joins whatever else nothing follows yet. */
export function appendCustody(
  itemId: string,
  chain: readonly CustodyRecord[],
  draft: CustodyDraft,
  signer: CustodySigner,
): CustodyRecord {
  const last = chain.at(-1);
  const ends = endsOf(chain);
  const event: CustodyEvent = {
    ...draft,
    item_id: itemId,
    number: 1 + Math.max(0, ...ends.map((end) => end.event.number)),
    previous: last && digestOf(last),
    joins: ends.filter((end) => end !== last).map(digestOf),
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
 * Two sides' knowledge of one chain: what either has, each event after those that it follows. The last one is the other side's.
 * @param known what is here @param other what came
 */
export function mergeCustody(known: readonly CustodyRecord[], other: readonly CustodyRecord[]): CustodyRecord[] {
  const merged = [...other];
  const names = other.map(custodyName);
  for (const record of known) {
    const name = custodyName(record);
    if (names.includes(name)) continue;
    const at = 1 + Math.max(-1, ...followedBy(record).map((each) => names.indexOf(each)));
    merged.splice(at, 0, record);
    names.splice(at, 0, name);
  }
  return merged;
}

/**
 * Everything that is wrong with a chain: numbers, links, times, contents that change between two events, and signatures. When an item
 * was handed over, both sides may go on; what one of them signs is one line nevertheless, and so is what comes of both.
 * @param path of the chain in the document that holds it
 * @param verified remembers signatures from one call to the next
 */
export function custodyFaults(
  itemId: string,
  chain: readonly CustodyRecord[],
  keys: CustodyKeys,
  path: string,
  verified: VerifiedCustody = new VerifiedCustody(),
): Fault[] {
  const faults: Fault[] = [];
  const placed = new Map<string, Placed>();
  const lastOf = new Map<string, Placed>();
  for (const [index, record] of chain.entries()) {
    const { event, jurisdiction } = record;
    const add = (field: string, code: Fault['code'], message: string): void => {
      faults.push({ path: `${path}[${index}].${field}`, code, message });
    };
    const previous = event.previous && placed.get(bytesToHex(event.previous));
    const joined = event.joins.map((digest) => placed.get(bytesToHex(digest)));
    const followed = [previous, ...joined].filter((each) => each !== undefined);
    const number = followed.length === 0 ? index + 1 : 1 + Math.max(...followed.map((each) => each.event.number));
    if (event.item_id !== itemId) add('event.item_id', 'CONFLICT', `is of ${event.item_id}, not of ${itemId}`);
    if (event.number !== number) add('event.number', 'BAD_VALUE', `must be ${number}`);
    if (index === 0 ? event.previous !== undefined : previous === undefined)
      add('event.previous', 'BAD_VALUE', 'does not name an event before it');
    if (joined.includes(undefined)) add('event.joins', 'BAD_VALUE', 'names what is no event before it');
    if (followed.some((each) => event.at < each.event.at))
      add('event.at', 'OUT_OF_RANGE', 'is before the time of the event before it');
    const found = previous?.content;
    if (isChanged(found, event.hash_before))
      add('event.hash_before', 'CONFLICT', 'is not the content that the event before it left');
    const mayChange = event.kind === 'ACQUIRE' || event.kind === 'ANALYSE';
    if (!mayChange && isChanged(event.hash_before ?? found, event.hash_after))
      add('event.hash_after', 'CONFLICT', `a ${event.kind} leaves the content as it was`);
    const here: Placed = {
      event,
      content: event.hash_after ?? event.hash_before ?? found,
      after: new Set(followed.flatMap((each) => [each, ...each.after])),
    };
    const own = lastOf.get(jurisdiction);
    if (own !== undefined && previous !== undefined && !here.after.has(own))
      add('event.previous', 'CONFLICT', `does not follow what ${jurisdiction} signed before`);
    placed.set(custodyName(record), here);
    lastOf.set(jurisdiction, here);
    const key = keys(jurisdiction, record.kid);
    if (key === undefined) add('kid', 'BAD_VALUE', `${jurisdiction} has no such signing key`);
    else if (!verified.verify(record, key)) add('signature', 'BAD_VALUE', 'does not verify');
  }
  return faults;
}

/** An event in its place, with the content that it left and every event that came before it. */
interface Placed {
  readonly event: CustodyEvent;
  readonly content: Hash | undefined;
  readonly after: ReadonlySet<Placed>;
}

/** Events that no other follows; the last one is always among them. */
function endsOf(chain: readonly CustodyRecord[]): CustodyRecord[] {
  const followed = new Set(chain.flatMap(followedBy));
  return chain.filter((record, index) => index === chain.length - 1 || !followed.has(custodyName(record)));
}

function followedBy({ event }: CustodyRecord): string[] {
  return [...(event.previous === undefined ? [] : [event.previous]), ...event.joins].map(bytesToHex);
}

/** The name by which later events know an event: its digest, hexadecimal. */
export function custodyName(record: CustodyRecord): string {
  return bytesToHex(digestOf(record));
}

function digestOf({ event, jurisdiction }: CustodyRecord): Uint8Array {
  return sha256(custodyBytes(event, jurisdiction));
}

// Two digests can contradict each other only when they are of one kind.
function isChanged(before: Hash | undefined, after: Hash | undefined): boolean {
  if (before === undefined || after?.algorithm !== before.algorithm) return false;
  return bytesToHex(before.value) !== bytesToHex(after.value);
}
