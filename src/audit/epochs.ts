/**
 * The epochs of a ledger that has lost entries: what each kept, what had been signed before, and what peers gave back. A loss that is
 * told stays a loss, and is a finding; one that is hidden is a second history.
 */
import { bytesToHex, equalBytes } from '../base/mod.ts';
import { epochKeysOf, epochOf, verifyCheckpoint, type Checkpoint, type VerifierKey } from '../ledger/mod.ts';
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
  readonly #listed: readonly VerifierKey[];
  readonly #number: number;
  readonly #recovered: ReadonlySet<string>;
  /** Size of the largest head of each former epoch that the ledger names. */
  readonly #named: ReadonlyMap<number, number>;

  constructor(
    listed: readonly VerifierKey[],
    number: number,
    reports: readonly EpochReport[] = [],
    recovered: ReadonlySet<string> = new Set(),
    named: ReadonlyMap<number, number> = new Map(),
  ) {
    this.#listed = listed;
    this.#number = number;
    this.reports = reports;
    this.#recovered = recovered;
    this.#named = named;
  }

  /** The epoch of this ledger that an origin is of; undefined for another ledger's. */
  epochOf(origin: string): number | undefined {
    return epochOf(origin, this.#listed[0]!.name);
  }

  /** Of how many entries an epoch's tree and the present one are the same; infinite for the present one, 0 for one still to come. */
  commonWith(epoch: number): number {
    if (epoch > this.#number) return 0;
    const later = this.reports.filter(({ number }) => number > epoch);
    return Math.min(Infinity, ...later.map(({ kept }) => kept));
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
    return size <= Math.max(this.#named.get(epoch) ?? 0, this.commonWith(epoch));
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

interface Begun {
  readonly number: number;
  readonly kept: number;
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
    const head = this.#headBefore(kept, number);
    const isKept = head?.size === index && equalBytes(await this.#tree.rootAt(index), head.root);
    const isNext = number > (this.#begun.at(-1)?.number ?? 1);
    const known = lost === undefined ? head : this.#headBefore(lost, number);
    if (isKept && isNext && known !== undefined)
      this.#begun.push({ number, kept: index, signed: Math.max(index, known.size), recovered: 0 });
    else this.#wrong(index, 'it does not follow from what was signed before');
  }

  #resume({ epoch, held }: Resumed, index: number): void {
    const current = this.#begun.at(-1);
    const head = this.#headBefore(held, epoch);
    if (current?.number !== epoch || head === undefined) this.#wrong(index, 'it holds no head of a former epoch');
    else current.signed = Math.max(current.signed, head.size);
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
    for (const { number, kept, signed, recovered } of this.#begun) {
      if (signed === kept) continue;
      const detail = `epoch ${number} keeps ${kept} of ${signed} entries that had been signed: ${signed - kept} were lost, and of those peers gave ${recovered} back`;
      this.#findings.add('ENTRIES_LOST', `${this.#where}: entry ${kept}`, detail);
    }
    return new LedgerEpochs(this.#listed, last, this.#begun, this.#recovered, this.#named);
  }

  /** A head that this ledger signed in an epoch before the given one. */
  #headBefore(note: string, number: number): Checkpoint | undefined {
    const named = epochKeysOf(note, this.#listed);
    const head = named === undefined || named.epoch >= number ? undefined : verifyCheckpoint(note, named.keys);
    if (head?.ok !== true) return undefined;
    const { size } = head.value;
    this.#named.set(named!.epoch, Math.max(size, this.#named.get(named!.epoch) ?? 0));
    return head.value;
  }

  #wrong(index: number, detail: string): void {
    this.#findings.add('EPOCH_INVALID', `${this.#where}: entry ${index}`, detail);
  }
}
