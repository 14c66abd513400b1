/**
 * How a peer's ledger has come to its present epoch. An index says nothing about another epoch: what stood there before a loss, and what
 * stands there after it, are two entries. So what is lost is judged by the epoch in which an entry was proved.
 */
import { bytesToBase64url, type JurisdictionCode } from '../base/mod.ts';
import {
  epochKeysOf,
  keptOfEpoch,
  verifyCheckpoint,
  verifyInclusionProofText,
  type EpochBeginning,
  type Checkpoint,
} from '../ledger/mod.ts';
import { WireError, parseLedgerEntry, type LedgerEntry, type Receipt, type Resume } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { isForked } from './peer-head.ts';
import { decodeRecord, keys, type WitnessedHeadRecord, type WitnessedRecord } from './record.ts';

type Verifying = Pick<ExchangeContext, 'directory' | 'clock' | 'verifyCheckpoint'>;

/** An entry of a peer's under the origin of one of its epochs. */
export interface EpochEntry {
  readonly entry: LedgerEntry;
  readonly epoch: number;
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly checkpoint: Checkpoint;
}

/** One epoch of a ledger that has several, and the head that it kept. */
export interface ProvedBeginning extends EpochBeginning {
  readonly kept: Checkpoint;
}

/** The epochs that a ledger has come through, proved. */
export class Lineage {
  /** How many of the first entries it has for certain, whichever epoch they were proved in. */
  readonly leastKept: number;
  readonly #begun: readonly ProvedBeginning[];

  constructor(begun: readonly ProvedBeginning[]) {
    this.#begun = begun;
    const former = Array.from({ length: this.last.number - 1 }, (_, i) => this.keptOf(i + 1));
    this.leastKept = Math.min(...former);
  }

  /** The present epoch. */
  get last(): ProvedBeginning {
    return this.#begun.at(-1)!;
  }

  get all(): readonly ProvedBeginning[] {
    return this.#begun;
  }

  /**
   * How many of the first entries of one of its epochs the ledger has for certain; of an epoch that it does not descend from, as far as it
   * has told, none. What it has is given back for nothing, and passed over.
   */
  keptOf(epoch: number): number {
    return keptOfEpoch(this.#begun, epoch);
  }
}

/** An entry of the peer's, proved now, under whichever epoch it says. */
export function verifyEpochEntry(
  { directory, clock, verifyCheckpoint: verify }: Verifying,
  peer: JurisdictionCode,
  receipt: Receipt,
): EpochEntry | undefined {
  if (directory.member(peer) === undefined) return undefined;
  const named = epochKeysOf(receipt.proof, directory.listedLedgerKeys(peer, clock.nowMs()));
  if (named === undefined) return undefined;
  const proved = verifyInclusionProofText(receipt.proof, receipt.entry, named.keys, verify);
  if (!proved.ok) return undefined;
  try {
    return { entry: parseLedgerEntry(receipt.entry), epoch: named.epoch, ...proved.value };
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/**
 * The lineage that a peer has proved.
 * @returns undefined when an entry is not proved under the new origin, or does not follow from the one before
 */
export function verifyLineage(context: Verifying, peer: JurisdictionCode, resume: Resume): Lineage | undefined {
  const present = verifyEpochEntry(context, peer, resume.epoch)?.epoch;
  const begun: ProvedBeginning[] = [];
  for (const receipt of [...resume.before, resume.epoch]) {
    const found = verifyEpochEntry(context, peer, receipt);
    const value = found?.entry.detail?.type === 'epoch' ? found.entry.detail.value : undefined;
    const kept = value === undefined ? undefined : headOf(context, peer, value.kept);
    // One tree holds them all: that of the present epoch.
    if (found?.epoch !== present || value === undefined || kept === undefined) return undefined;
    if (kept.checkpoint.size !== found?.index) return undefined;
    const before = begun.at(-1);
    const follows = before === undefined || (kept.epoch === before.number && kept.checkpoint.size > before.start);
    if (!follows || kept.epoch >= value.number) return undefined;
    const { checkpoint, epoch: parent } = kept;
    begun.push({ number: value.number, start: checkpoint.size, parent, kept: checkpoint });
  }
  return begun.at(-1)?.number === present ? new Lineage(begun) : undefined;
}

/** Two heads that a peer has signed of one size of one ledger. */
export interface ForkedLineage {
  /** What it says it has kept. */
  readonly kept: Checkpoint;
  /** What this node has seen of that size, or the last that it has cosigned on top of it. */
  readonly known: string;
}

/**
 * What is said to be kept and is another history than this node knows.
 * @param seen the largest head seen of the peer, of whichever epoch
 */
export async function forkOf(
  { directory, store }: Pick<ExchangeContext, 'directory' | 'store'>,
  peer: JurisdictionCode,
  lineage: Lineage,
  seen: Checkpoint | undefined,
): Promise<ForkedLineage | undefined> {
  const common = lineage.keptOf(directory.epoch(peer));
  for (const { kept } of lineage.all) {
    if (seen?.origin === kept.origin && isForked(seen, kept)) return { kept, known: seen.note };
    const bytes = kept.size > common ? undefined : await store.get(keys.witnessedHead(peer, kept.size));
    if (bytes === undefined || decodeRecord<WitnessedHeadRecord>(bytes).root === bytesToBase64url(kept.root)) continue;
    const last = (await store.get(keys.witnessed(peer)))!;
    return { kept, known: decodeRecord<WitnessedRecord>(last).note };
  }
  return undefined;
}

/** The epoch of a peer's ledger that a proof from this node's own store is of. */
export function epochOfProof(
  { directory }: Pick<ExchangeContext, 'directory'>,
  peer: JurisdictionCode,
  proof: string,
): number {
  return epochKeysOf(proof, directory.everyLedgerKey(peer))?.epoch ?? 1;
}

/** A head that the peer had signed before. */
function headOf(
  { directory, verifyCheckpoint: verify }: Verifying,
  peer: JurisdictionCode,
  note: string,
): { readonly checkpoint: Checkpoint; readonly epoch: number } | undefined {
  const named = epochKeysOf(note, directory.everyLedgerKey(peer));
  const verified = named === undefined ? undefined : verifyCheckpoint(note, named.keys, verify);
  return verified?.ok === true ? { checkpoint: verified.value, epoch: named!.epoch } : undefined;
}
