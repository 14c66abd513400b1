/**
 * The epochs of a ledger that has lost entries: what each kept, what had been signed before, and what peers gave back. A loss that is
 * told stays a loss, and is a finding; one that is hidden is a second history.
 */
import { bytesToHex, equalBytes } from '../base/mod.ts';
import {
  epochKeysOf,
  epochOf,
  keptOfBoth,
  keptOfEpoch,
  verifyCheckpoint,
  type EpochBeginning,
  type Checkpoint,
  type SignedHead,
  type VerifierKey,
} from '../ledger/mod.ts';
import type { Epoch, Resumed } from '../wire/mod.ts';
import type { BundleFiles } from './bundle-files.ts';
import { readEntries, type PlacedEntry } from './entries.ts';
import { Findings } from './error.ts';
import type { AuditedTree } from './tree.ts';

/** One epoch after the first. */
export interface EpochReport {
  readonly number: number;
  /** Index of the entry that began it, which is the number of entries that were kept. */
  readonly kept: number;
  /** The largest head that is known to have been signed before. */
  readonly signed: number;
  /** Entries that peers gave back. */
  readonly recovered: number;
}

/** What a bundle's own ledger tells of its epochs. */
export class LedgerEpochs {
  readonly reports: readonly EpochReport[];
  readonly #begun: readonly EpochBeginning[];
  readonly #listed: readonly VerifierKey[];
  readonly #number: number;
  readonly #recovered: ReadonlySet<string>;
  /** Size of the largest head of each former epoch that the ledger names. */
  readonly #named: ReadonlyMap<number, number>;

  constructor(
    listed: readonly VerifierKey[],
    number: number,
    begun: readonly (EpochBeginning & Omit<EpochReport, 'kept'>)[] = [],
    recovered: ReadonlySet<string> = new Set(),
    named: ReadonlyMap<number, number> = new Map(),
  ) {
    this.#listed = listed;
    this.#number = number;
    this.#begun = begun;
    this.reports = begun.map(({ number, start, signed, recovered: back }) => ({
      number,
      kept: start,
      signed,
      recovered: back,
    }));
    this.#recovered = recovered;
    this.#named = named;
  }

  /** The epoch of this ledger that an origin is of; undefined for another ledger's. */
  epochOf(origin: string): number | undefined {
    return epochOf(origin, this.#listed[0]!.name);
  }

  /** How many of the first entries of an epoch this ledger has for certain; infinite for the present one. */
  keptOf(epoch: number): number {
    return keptOfEpoch(this.#begun, epoch);
  }

  /** Of how many entries this tree and another that is said to be the same ledger's are the same. */
  keptOfBoth(other: LedgerEpochs): number {
    return keptOfBoth(this.#begun, other.#begun);
  }

  /** Whether the epoch is still to come for this bundle. */
  isBefore(epoch: number): boolean {
    return this.#number < epoch;
  }

  hasRecovered(leaf: Uint8Array): boolean {
    return this.#recovered.has(bytesToHex(leaf));
  }

  /** Whether the ledger says that it has signed so many entries in a former epoch. */
  names(epoch: number, size: number): boolean {
    return size <= Math.max(this.#named.get(epoch) ?? 0, this.keptOf(epoch));
  }
}

/** Reads what a ledger says of its epochs; only one that has several is read for it. */
export async function readEpochs(options: {
  readonly files: BundleFiles;
  /** The ledger's keys as the manifest lists them, of which one has signed the checkpoint. */
  readonly listed: readonly VerifierKey[];
  readonly checkpoint: Checkpoint;
  readonly tree: AuditedTree;
  readonly where: string;
  readonly findings: Findings;
}): Promise<LedgerEpochs> {
  const { files, listed, checkpoint, tree, where, findings } = options;
  const last = epochOf(checkpoint.origin, listed[0]!.name)!;
  if (last === 1) return new LedgerEpochs(listed, 1);
  const reader = new EpochReader(listed, tree, where, findings);
  // What is wrong with the entries themselves is found when the story is read.
  for await (const placed of readEntries(files, tree, where, new Findings()))
    for (const item of placed) await reader.read(item);
  return reader.end(last);
}

interface Begun extends EpochBeginning {
  signed: number;
  recovered: number;
}

class EpochReader {
  readonly #listed: readonly VerifierKey[];
  readonly #tree: AuditedTree;
  readonly #where: string;
  readonly #findings: Findings;
  readonly #begun: Begun[] = [];
  readonly #recovered = new Set<string>();
  readonly #named = new Map<number, number>();

  constructor(listed: readonly VerifierKey[], tree: AuditedTree, where: string, findings: Findings) {
    this.#listed = listed;
    this.#tree = tree;
    this.#where = where;
    this.#findings = findings;
  }

  async read({ entry, index }: PlacedEntry): Promise<void> {
    const { detail } = entry;
    if (detail?.type === 'epoch') await this.#begin(detail.value, index);
    else if (detail?.type === 'resumed') this.#resume(detail.value, index);
    else if (detail?.type === 'recovered') this.#recover(detail.value.leaf_hash, index);
  }

  async #begin({ number, kept, lost }: Epoch, index: number): Promise<void> {
    const before = this.#headBefore(kept, number);
    const isKept = before?.head.size === index && equalBytes(await this.#tree.rootAt(index), before.head.root);
    // What stands before it in this tree is of the epoch that was begun last.
    const isNext = before?.epoch === (this.#begun.at(-1)?.number ?? 1);
    const known = lost === undefined ? before : this.#headBefore(lost, number);
    if (isKept && isNext && known !== undefined) {
      const signed = Math.max(index, known.head.size);
      this.#begun.push({ number, start: index, parent: before.epoch, signed, recovered: 0 });
    } else this.#wrong(index, 'it does not follow from what was signed before');
  }

  #resume({ epoch, held }: Resumed, index: number): void {
    const current = this.#begun.at(-1);
    const before = this.#headBefore(held, epoch);
    if (current?.number !== epoch || before === undefined) this.#wrong(index, 'it holds no head of a former epoch');
    else current.signed = Math.max(current.signed, before.head.size);
  }

  #recover(leaf: Uint8Array, index: number): void {
    const current = this.#begun.at(-1);
    this.#recovered.add(bytesToHex(leaf));
    if (current === undefined) this.#wrong(index, 'nothing was lost before it');
    else current.recovered++;
  }

  end(last: number): LedgerEpochs {
    if ((this.#begun.at(-1)?.number ?? 1) !== last)
      this.#findings.add('EPOCH_INVALID', this.#where, `no entry says how epoch ${last} of the ledger began`);
    for (const { number, start: kept, signed, recovered } of this.#begun) {
      if (signed === kept) continue;
      const detail = `epoch ${number} keeps ${kept} of ${signed} entries that had been signed: ${signed - kept} were lost, and of those peers gave ${recovered} back`;
      this.#findings.add('ENTRIES_LOST', `${this.#where}: entry ${kept}`, detail);
    }
    return new LedgerEpochs(this.#listed, last, this.#begun, this.#recovered, this.#named);
  }

  /** A head that this ledger signed in an epoch before the given one. */
  #headBefore(note: string, number: number): SignedHead | undefined {
    const named = epochKeysOf(note, this.#listed);
    const head = named === undefined || named.epoch >= number ? undefined : verifyCheckpoint(note, named.keys);
    if (head?.ok !== true) return undefined;
    const { size } = head.value;
    this.#named.set(named!.epoch, Math.max(size, this.#named.get(named!.epoch) ?? 0));
    return { head: head.value, epoch: named!.epoch };
  }

  #wrong(index: number, detail: string): void {
    this.#findings.add('EPOCH_INVALID', `${this.#where}: entry ${index}`, detail);
  }
}
