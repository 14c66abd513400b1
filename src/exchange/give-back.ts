/**
 * What a peer gives back to a node that has lost entries: the node's own entries as they were proved here, each with what belongs to it, so
 * that the node knows again what it had acknowledged and what it had sent.
 */
import { parseUtf8, type JurisdictionCode } from '../base/mod.ts';
import { parseReceipt, type GiveBack, type Receipt } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { evidenceKeys, type OfferRecord } from './evidence-record.ts';
import { epochOfProof, type Lineage } from './lineage.ts';
import { decodeRecord, keys, type EntryRef, type MessageRecord } from './record.ts';

type StoreAndLedger = Pick<ExchangeContext, 'store' | 'ledger'>;
type Giving = StoreAndLedger & Pick<ExchangeContext, 'directory'>;

/**
 * Every message between the two of which the node's entry is not among those that it has kept, in the order of the node's entries; and
 * then every file of which the node's word that it arrived is not. What came back after a loss before this one is not proved at a new place,
 * and comes back again.
 */
export async function* givenBack(context: Giving, node: JurisdictionCode, lineage: Lineage): AsyncGenerator<GiveBack> {
  const lost: MessageRecord[] = [];
  // All messages are read, once a loss: nothing else would want them by the index of a peer's entry.
  for await (const [, bytes] of context.store.scan('message/')) {
    const record = decodeRecord<MessageRecord>(bytes);
    if (record.peer === node && (await isLost(context, record, lineage))) lost.push(record);
  }
  for (const record of inOrder(lost))
    yield record.direction === 'OUT' ? await ownMessage(context, record) : await theirs(context, record);
  yield* arrivals(context, node, lineage);
}

/** Files that the node had taken from this one: its EVIDENCE_COMPLETE entry, and this node's about it. */
async function* arrivals(
  { store, ledger, directory }: Giving,
  node: JurisdictionCode,
  lineage: Lineage,
): AsyncGenerator<GiveBack> {
  for await (const [, bytes] of store.scan(evidenceKeys.offersTo(node))) {
    const { answer, held } = decodeRecord<OfferRecord>(bytes);
    if (answer === undefined || held === undefined || answer.index < lineage.leastKept) continue;
    const lost = parseReceipt((await store.get(keys.peerProof(held.index)))!);
    if (answer.index < lineage.keptOf(epochOfProof({ directory }, node, lost.proof))) continue;
    yield { lost, counterpart: await ledger.receipt(held.index) };
  }
}

/** In the order of the node's own ledger, so that every step of a case finds those before it; and each direction in that of its numbers. */
function inOrder(lost: readonly MessageRecord[]): MessageRecord[] {
  const placed = (['OUT', 'IN'] as const).flatMap((direction) => {
    const own = lost.filter((record) => record.direction === direction).sort((a, b) => b.seq - a.seq);
    let next: EntryRef | undefined;
    // A message given up stands at the later of its two entries. It has no place in a case, and goes before the number after it.
    return own.map((record) => {
      const ref = direction === 'OUT' ? record.answer! : record.sent;
      next = next === undefined || compare(ref, next) < 0 ? ref : next;
      return { record, ref: next };
    });
  });
  return placed.sort((a, b) => compare(a.ref, b.ref) || a.record.seq - b.record.seq).map(({ record }) => record);
}

// By time first: an index may have been used again in a later epoch, and times never decrease.
function compare(a: EntryRef, b: EntryRef): number {
  return a.time - b.time || a.index - b.index;
}

async function isLost({ store, directory }: Giving, record: MessageRecord, lineage: Lineage): Promise<boolean> {
  const { direction, held, answer, sent, peer } = record;
  if (direction === 'OUT' && held === undefined) return false;
  const { index } = direction === 'OUT' ? answer! : sent;
  // The proof is read only where the index alone does not tell.
  if (index >= lineage.last.start) return true;
  if (index < lineage.leastKept) return false;
  const proof = await store.get(proofKeyOf(record));
  return proof === undefined || index >= lineage.keptOf(epochOfProof({ directory }, peer, parseReceipt(proof).proof));
}

/** Where the node's own entry about a message is kept, with its proof. */
function proofKeyOf({ direction, held, answer, recovered }: MessageRecord): string {
  if (direction === 'OUT') return keys.peerProof(held!.index);
  return recovered === true ? keys.counterpart(answer!.index) : keys.peerProof(answer!.index);
}

/** A message that this node sent: the node's receipt for it, and the delivery again. */
async function ownMessage(context: StoreAndLedger, record: MessageRecord): Promise<GiveBack> {
  const { store } = context;
  const [receipt, sealed] = await store.getMany([proofKeyOf(record), keys.sealed(record.message_id)]);
  return {
    lost: parseReceipt(receipt!),
    counterpart: await ownProof(context, record, record.sent.index),
    sealed: record.status === 'VOIDED' || sealed === undefined ? undefined : parseUtf8(sealed),
  };
}

/** A message that the node sent: its SENT entry, this node's answer, and what was in it. */
async function theirs(context: StoreAndLedger, record: MessageRecord): Promise<GiveBack> {
  const { index } = record.answer!;
  const [proof, signed] = await context.store.getMany([proofKeyOf(record), keys.signed(record.message_id)]);
  return { lost: parseReceipt(proof!), counterpart: await ownProof(context, record, index), signed };
}

/** This node's own entry about a message: the one that the peer has seen, also where it is lost and only its proof was given back. */
export async function ownProof(
  { store, ledger }: StoreAndLedger,
  { recovered }: MessageRecord,
  index: number,
): Promise<Receipt> {
  return recovered === true ? parseReceipt((await store.get(keys.peerProof(index)))!) : ledger.receipt(index);
}
