/** Holds several nodes' ledgers against each other: what one says it sent, another must say it received, at the same place. */
import { bytesToHex, equalBytes } from '../base/mod.ts';
import type { Findings } from './error.ts';
import type { HeldEntry } from './proofs.ts';
import { timelineOf, type Timeline } from './timeline.ts';
import type { MessageTrace, Trail } from './trail.ts';
import type { BundleStory, OpenedBundle, StoryListener } from './verify-bundle.ts';
import type { WitnessedHead } from './witnessed.ts';

/** A bundle with its story. */
export type ReadBundle = OpenedBundle & BundleStory;

/** How the messages from one node to another fared. */
export interface DirectionReport {
  readonly from: string;
  readonly to: string;
  readonly sent: number;
  readonly received: number;
  readonly refused: number;
  readonly voided: number;
  /** Sent, and no receipt held at the time of the bundle. */
  readonly unanswered: number;
  /** Sent by the one bundle and not received by the other: under way, or the other bundle ends too early. */
  readonly not_received: number;
  /** Sent by the one bundle and not in the other, which is a part of its ledger: nothing follows from that. */
  readonly not_shown: number;
  /** Received, and the sender holds no receipt yet. */
  readonly receipt_not_held: number;
  /** Milliseconds from SENT to RECEIPT_HELD, by the sender's clock. */
  readonly acknowledged_ms?: { readonly p50: number; readonly p90: number; readonly worst: number };
  readonly timeline: Timeline;
}

/** Holds what one bundle's story says of other ledgers against those ledgers, while the story is read. */
export class PeerComparison implements StoryListener {
  readonly #holder: OpenedBundle;
  readonly #others: readonly OpenedBundle[];
  readonly #findings: Findings;
  readonly #behind = new Set<string>();
  // Receipts of one batch lie under one head: the last few roots are asked for again and again.
  #lastRoot = { id: '', root: new Uint8Array() as Uint8Array };

  constructor(holder: OpenedBundle, bundles: readonly OpenedBundle[], findings: Findings) {
    this.#holder = holder;
    this.#others = bundles.filter(({ code }) => code !== holder.code);
    this.#findings = findings;
  }

  /** What the holder has proof of must stand in the other's ledger, at that index and under that head. */
  readonly onHeld = async ({ at, index, leaf, checkpoint }: HeldEntry): Promise<void> => {
    const other = this.#otherOf(checkpoint.origin);
    if (other === undefined) return;
    const where = `${this.#holder.name}: entry ${at}`;
    const { code, epochs } = other;
    const epoch = epochs.epochOf(checkpoint.origin)!;
    const kept = epochs.keptOf(epoch);
    if (checkpoint.size > kept && !epochs.isBefore(epoch)) {
      await this.#onFormer(other, { index, leaf, kept, where });
      return;
    }
    const held = `${this.#holder.code} holds a head of`;
    if (this.#isBehind(other, epoch, checkpoint.size, where, held, `signed by ${code}`)) return;
    if (!equalBytes(await this.#rootAt(other, checkpoint.size), checkpoint.root)) {
      const detail = `${code} signed another history of its first ${checkpoint.size} entries than ${other.name} holds`;
      this.#findings.add('LEDGER_FORKED', where, detail);
    } else if (!equalBytes(await other.tree.leafAt(index), leaf)) {
      this.#findings.add('ENTRY_CONTRADICTED', where, `${other.name} has another entry ${index} than was proved`);
    }
  };

  /** What was signed in an epoch that the other has left stands in it still, or has come back; else it is lost. */
  async #onFormer(
    other: OpenedBundle,
    claim: { readonly index: number; readonly leaf: Uint8Array; readonly kept: number; readonly where: string },
  ): Promise<void> {
    const { index, leaf, kept, where } = claim;
    // Also an epoch that it does not come from may have kept it: of the same one.
    if (index < other.tree.size && equalBytes(await other.tree.leafAt(index), leaf)) return;
    if (index < kept) {
      this.#findings.add('ENTRY_CONTRADICTED', where, `${other.name} has another entry ${index} than was proved`);
    } else if (!other.epochs.hasRecovered(leaf) && other.files.index.selection === undefined) {
      const detail = `${other.code} has lost the entry that is proved here, and ${other.name} does not have it back`;
      this.#findings.add('ENTRIES_LOST', where, detail);
    }
  }

  #otherOf(origin: string): OpenedBundle | undefined {
    return this.#others.find(({ epochs }) => epochs.epochOf(origin) !== undefined);
  }

  /** What the holder cosigned of the other's ledger must be what the other shows. */
  readonly onWitnessed = async ({ at, peer, head: { origin, size, root } }: WitnessedHead): Promise<void> => {
    const other = this.#otherOf(origin);
    if (other?.code !== peer) return;
    const where = `${this.#holder.name}: entry ${at}`;
    const epoch = other.epochs.epochOf(origin)!;
    if (size > other.epochs.keptOf(epoch) && !other.epochs.isBefore(epoch)) {
      if (other.epochs.names(epoch, size)) return;
      const hidden = `${other.code} had ${size} entries cosigned as ${origin}, and ${other.name} does not say that they were`;
      this.#findings.add('LEDGER_FORKED', where, hidden);
      return;
    }
    if (this.#isBehind(other, epoch, size, where, `${this.#holder.code} cosigned a head of`, 'entries')) return;
    if (!equalBytes(await other.tree.rootAt(size), root)) {
      const forked = `${other.code} had another history of its first ${size} entries cosigned than ${other.name} holds`;
      this.#findings.add('LEDGER_FORKED', where, forked);
    }
  };

  #isBehind(other: OpenedBundle, epoch: number, size: number, where: string, held: string, by: string): boolean {
    if (size <= other.tree.size && !other.epochs.isBefore(epoch)) return false;
    if (!this.#behind.has(other.name)) {
      const detail = `${other.name} has ${other.tree.size} entries, but ${held} ${size} ${by}: entries were removed, or its bundle has to be exported again`;
      this.#findings.add('BUNDLE_BEHIND', where, detail);
    }
    this.#behind.add(other.name);
    return true;
  }

  async #rootAt(other: OpenedBundle, size: number): Promise<Uint8Array> {
    const id = `${other.name} ${size}`;
    if (this.#lastRoot.id !== id) this.#lastRoot = { id, root: await other.tree.rootAt(size) };
    return this.#lastRoot.root;
  }
}

/** Checks what concerns all bundles together and tells how messages fared in each direction. */
export async function crossAudit(bundles: readonly ReadBundle[], findings: Findings): Promise<DirectionReport[]> {
  checkManifests(bundles, findings);
  const reports: DirectionReport[] = [];
  for (const from of bundles) {
    for (const to of bundles) {
      if (from === to) continue;
      if (from.code === to.code) {
        if (from.name < to.name) await compareSameLedger(from, to, findings);
        continue;
      }
      checkCompleteness(to, from, findings);
      reports.push(direction(from, to));
    }
  }
  return reports;
}

/** Whatever the recipient says it received, the sender must say it sent. */
function checkCompleteness(recipient: ReadBundle, sender: ReadBundle, findings: Findings): void {
  const sent = sender.chronicle.sent.get(recipient.code);
  for (const trace of recipient.chronicle.received.get(sender.code) ?? []) {
    const row = sent?.rowOf(trace.seq) ?? -1;
    // A selection need not have everything; that the message was sent is proved by the recipient's proof of it.
    if (row < 0 && sender.files.index.selection !== undefined) continue;
    if (row >= 0 && sent!.at(row).message_id === trace.message_id) continue;
    const detail = `${recipient.code} received message ${trace.seq} from ${sender.code}, which ${sender.name} does not know as sent`;
    findings.add('ENTRY_CONTRADICTED', `${recipient.name}: entry ${trace.index}`, detail);
  }
}

async function compareSameLedger(a: OpenedBundle, b: OpenedBundle, findings: Findings): Promise<void> {
  const epochIn = ({ epochs, checkpoint }: OpenedBundle): number => epochs.epochOf(checkpoint.origin)!;
  const order = epochIn(a) - epochIn(b) || a.checkpoint.size - b.checkpoint.size;
  const [older, newer] = order <= 0 ? [a, b] : [b, a];
  const common = Math.min(older.tree.size, newer.epochs.keptOfBoth(older.epochs));
  const isContinued = equalBytes(await newer.tree.rootAt(common), await older.tree.rootAt(common));
  const where = `${a.name}, ${b.name}`;
  if (isContinued) findings.add('SAME_LEDGER_TWICE', where, `both are of ${a.code}; leave out ${older.name}`);
  else findings.add('LEDGER_FORKED', where, `${a.code} signed two histories`);
}

/** A version of the manifest is the same for everyone. */
function checkManifests(bundles: readonly OpenedBundle[], findings: Findings): void {
  const seen = new Map<number, { readonly digest: string; readonly name: string }>();
  for (const { name, manifests } of bundles) {
    for (const { manifest, digest } of manifests.all) {
      const first = seen.get(manifest.version);
      const own = bytesToHex(digest);
      if (first === undefined) seen.set(manifest.version, { digest: own, name });
      else if (first.digest !== own) {
        const detail = `version ${manifest.version} of the manifest is another than in ${first.name}`;
        findings.add('MANIFEST_CONTRADICTED', name, detail);
      }
    }
  }
}

/**
 * Finds receipts that took longer than they may, and messages that have waited longer without one.
 * @param lateMs the longest time from SENT to RECEIPT_HELD
 */
export function checkLateness(bundles: readonly ReadBundle[], lateMs: number, findings: Findings): void {
  for (const { name, chronicle } of bundles) {
    for (const [peer, trail] of chronicle.sent) {
      for (const { seq, index, time, held } of trail) {
        const wait = (held ?? chronicle.shownUntil ?? time) - time;
        if (wait <= lateMs) continue;
        const seconds = (wait / 1000).toFixed(1);
        const detail =
          held === undefined
            ? `message ${seq} to ${peer} has no receipt ${seconds} s later, when what is shown ends`
            : `the receipt for message ${seq} to ${peer} came after ${seconds} s`;
        findings.add('RECEIPT_LATE', `${name}: entry ${index}`, detail);
      }
    }
  }
}

function direction(from: ReadBundle, to: ReadBundle): DirectionReport {
  const [trail, theirs] = [from.chronicle.sent.get(to.code), to.chronicle.received.get(from.code)];
  const sent = countsOf(trail);
  const received = countsOf(theirs);
  const isPart = to.files.index.selection !== undefined;
  let [notReceived, notShown, notHeld] = [0, 0, 0];
  for (const { seq, held } of trail ?? ([] as MessageTrace[])) {
    const isThere = (theirs?.rowOf(seq) ?? -1) >= 0;
    if (!isThere && isPart) notShown++;
    else if (!isThere) notReceived++;
    else if (held === undefined) notHeld++;
  }
  const { waits } = sent;
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]!;
  return {
    from: from.code,
    to: to.code,
    sent: sent.all,
    received: received.all - received.refused,
    refused: received.refused,
    voided: sent.voided,
    unanswered: sent.all - waits.length,
    not_received: notReceived,
    not_shown: notShown,
    receipt_not_held: notHeld,
    ...(waits.length === 0 ? {} : { acknowledged_ms: { p50: at(0.5), p90: at(0.9), worst: waits.at(-1)! } }),
    timeline: timelineOf(trail, theirs),
  };
}

function countsOf(trail: Trail | undefined): {
  readonly all: number;
  readonly refused: number;
  readonly voided: number;
  /** Milliseconds from SENT to RECEIPT_HELD, sorted. */
  readonly waits: Float64Array;
} {
  const waits = new Float64Array(trail?.length ?? 0);
  let [refused, voided, held] = [0, 0, 0];
  for (const trace of trail ?? []) {
    if (trace.refused) refused++;
    if (trace.voided) voided++;
    if (trace.held !== undefined) waits[held++] = trace.held - trace.time;
  }
  return { all: trail?.length ?? 0, refused, voided, waits: waits.subarray(0, held).sort() };
}
