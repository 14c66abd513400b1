/**
 * A part of a ledger that can still be verified: some entries, every hash of the tree, and a statement of what was chosen. Whoever gets it
 * sees that the chosen entries are in the ledger, that a range has no gap, and that the numbers of a peer's messages have none; of the
 * other entries there are hashes and nothing else.
 */
import { isJurisdictionCode, type JurisdictionCode } from '../base/mod.ts';
import type { LedgerEntry, LedgerEntryKind } from '../wire/mod.ts';

/** What a bundle was limited to; a member that is absent limits nothing. */
export interface Selection {
  /** Index of the first and of the last entry. */
  readonly from?: number;
  readonly to?: number;
  /** Only what is about one peer. */
  readonly peer?: JurisdictionCode;
  /** Only what is about the messages of one case. Which one is not said: a case id has no place in a bundle. */
  readonly case?: true;
}

// Without these no key and no epoch can be judged, and no manifest is seen to be recorded: they are in every bundle.
const ALWAYS: ReadonlySet<LedgerEntryKind> = new Set(['MANIFEST', 'KEY', 'EPOCH']);

/**
 * Whether an entry is in every bundle, whatever was selected.
 * @param disclosed messages that the bundle discloses: that they were is part of it
 */
export function isInEverySelection({ kind, message_id: id }: LedgerEntry, disclosed: ReadonlySet<string>): boolean {
  return ALWAYS.has(kind) || (kind === 'DISCLOSED' && id !== undefined && disclosed.has(id));
}

/** Whether the selection, as far as it speaks of indices and peers, takes an entry in. */
export function admits(selection: Selection, entry: LedgerEntry, index: number): boolean {
  const isInRange = index >= (selection.from ?? 0) && index <= (selection.to ?? Infinity);
  const isOfPeer = selection.peer === undefined || entry.peer === undefined || entry.peer === selection.peer;
  return isInRange && isOfPeer;
}

/** Whether every entry of the range has to be there. */
export function isWholeRange(selection: Selection): boolean {
  return selection.peer === undefined && selection.case === undefined;
}

/** Reads the member `selection` of `bundle.json`; undefined when it is none. */
export function parseSelection(value: unknown): Selection | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { from, to, peer, case: ofCase } = value as Readonly<Record<string, unknown>>;
  const selection: Selection = {
    ...(isIndex(from) ? { from } : {}),
    ...(isIndex(to) ? { to } : {}),
    ...(typeof peer === 'string' && isJurisdictionCode(peer) ? { peer } : {}),
    ...(ofCase === true ? { case: true } : {}),
  };
  const isOrdered = (selection.from ?? 0) <= (selection.to ?? Infinity);
  // Members in another order, of another type, or unknown, are not the one spelling.
  return isOrdered && JSON.stringify(selection) === JSON.stringify(value) && JSON.stringify(value) !== '{}'
    ? selection
    : undefined;
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
