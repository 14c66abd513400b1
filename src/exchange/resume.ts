/**
 * A session after one ledger has begun again. The node proves how its epoch began; the peer gives back what it holds of the lost entries;
 * the node commits to what the peer held; the peer keeps the proof of the old head, and follows. Only then is anything else exchanged. A
 * session that breaks off is begun again from the start, and what was taken already is passed over.
 */
import { utf8ToBytes, bytesToBase64url } from '../base/mod.ts';
import { epochKeysOf, verifyCheckpoint, verifyInclusionProofText, type Checkpoint } from '../ledger/mod.ts';
import {
  WireError,
  encodeReceipt,
  parseLedgerEntry,
  type Epoch,
  type GiveBack,
  type LedgerEntry,
  type Receipt,
} from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { evidenceKeys, fileOf, type EvidenceRecord } from './evidence-record.ts';
import { givenBack } from './give-back.ts';
import { seenCheckpoint, type ResumeNeed } from './hello.ts';
import { recordIncident } from './incident.ts';
import type { PeerLink } from './link.ts';
import { noteCheckpoint } from './peer-head.ts';
import {
  NEW_PEER,
  decodeRecord,
  keys,
  parseDecimalKey,
  type PeerRecord,
  type ResumedRecord,
  type WitnessedHeadRecord,
} from './record.ts';
import { takeBack } from './recovery.ts';
import { putSettled } from './settled.ts';

/** The peer's new epoch, as it was proved. */
interface ProvedEpoch {
  readonly value: Epoch;
  readonly receipt: Receipt;
  readonly kept: Checkpoint;
}

/** An entry of the peer's under the origin of one of its epochs. */
interface EpochEntry {
  readonly entry: LedgerEntry;
  readonly epoch: number;
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly checkpoint: Checkpoint;
}

/** Settles what a loss has left open between two nodes. */
export class SessionResume {
  readonly #context: ExchangeContext;
  readonly #link: PeerLink;
  readonly #onSettled: () => void;
  #held: Checkpoint | undefined;
  #awaitsTheirs: boolean;
  #proved: ProvedEpoch | undefined;
  #given = 0;

  constructor(options: {
    readonly context: ExchangeContext;
    readonly link: PeerLink;
    readonly need: ResumeNeed;
    /** Called once nothing is open any more. */
    readonly onSettled: () => void;
  }) {
    this.#context = options.context;
    this.#link = options.link;
    this.#held = options.need.ours;
    this.#awaitsTheirs = options.need.theirs;
    this.#onSettled = options.onSettled;
  }

  get isSettled(): boolean {
    return this.#held === undefined && !this.#awaitsTheirs;
  }

  /** The node's first word, if its ledger is the one that began again. */
  async begin(): Promise<void> {
    const { ledger } = this.#context;
    if (this.#held === undefined) return;
    await this.#link.send({ type: 'resume', value: { epoch: await ledger.receipt(ledger.epochEntry!) } });
  }

  /** At the peer: the node's epoch is believed if its entry is proved, and contradicts nothing that this node has cosigned. */
  async onResume(receipt: Receipt): Promise<void> {
    const { peer } = this.#link;
    const found = this.#entryOf(receipt);
    const value = found?.entry.detail?.type === 'epoch' ? found.entry.detail.value : undefined;
    const kept = value === undefined ? undefined : this.#headOf(value.kept);
    if (found === undefined || value?.number !== found.epoch || kept === undefined || kept.epoch >= found.epoch) {
      this.#link.close('EPOCH_INVALID');
      return;
    }
    const { checkpoint } = kept;
    const cosigned = await this.#context.store.get(keys.witnessedHead(peer, checkpoint.size));
    const isOther =
      cosigned !== undefined && decodeRecord<WitnessedHeadRecord>(cosigned).root !== bytesToBase64url(checkpoint.root);
    if (checkpoint.size !== found.index || isOther) {
      this.#link.close('EPOCH_INVALID');
      return;
    }
    this.#proved = { value, receipt, kept: checkpoint };
    let entries = 0;
    for await (const item of givenBack(this.#context, peer, checkpoint.size)) {
      entries++;
      await this.#link.send({ type: 'give_back', value: item });
    }
    await this.#link.send({ type: 'gave_back', value: { entries } });
  }

  /** At the node: one lost entry comes back. */
  async onGiveBack(given: GiveBack): Promise<void> {
    this.#given++;
    const taken = this.#held === undefined ? undefined : await this.#take(given);
    if (taken?.ok !== true) this.#link.close('EPOCH_INVALID');
  }

  #take(given: GiveBack): ReturnType<typeof takeBack> {
    return takeBack(this.#context, this.#link.peer, given, this.#proved?.value.number);
  }

  /** At the node: that was all. What the peer held is committed to before the peer is asked to follow. */
  async onGaveBack(entries: number): Promise<void> {
    const { committer, ledger } = this.#context;
    const { peer } = this.#link;
    const held = this.#held;
    if (held === undefined || entries !== this.#given) {
      this.#link.close('EPOCH_INVALID');
      return;
    }
    const { index } = await committer.commit(async (view) => {
      putSettled(this.#context, view, peer);
      const known = await view.getRecord<ResumedRecord>(keys.resumed(peer));
      if (known?.epoch === ledger.epoch && known.held === held.note) return known;
      const value = { epoch: ledger.epoch, held: held.note };
      const ref = view.append({ kind: 'RESUMED', peer, seq: 0, detail: { type: 'resumed', value } });
      const record: ResumedRecord = { ...value, index: ref.index };
      view.putRecord(keys.resumed(peer), record);
      return record;
    }, peer);
    this.#context.failpoint('resume.committed');
    await this.#link.send({ type: 'resume_done', value: { resumed: await ledger.receipt(index) } });
    this.#held = undefined;
    this.#settle();
  }

  /** At the peer: the node has named the head that this node holds, so nothing is hidden, and this node follows. */
  async onDone(receipt: Receipt): Promise<void> {
    const { directory } = this.#context;
    const { peer } = this.#link;
    const found = this.#entryOf(receipt);
    const stated = found?.entry.detail?.type === 'resumed' ? found.entry.detail.value : undefined;
    const seen = await seenCheckpoint(this.#context, peer);
    const proved = this.#proved;
    const isAbout = found?.entry.peer === this.#context.code && stated?.epoch === proved?.value.number;
    if (found === undefined || proved === undefined || found.epoch !== stated?.epoch || !isAbout) {
      this.#link.close('EPOCH_INVALID');
      return;
    }
    // A session beside this one may have settled it already.
    if (stated.held === seen?.note) await this.#follow(found, receipt, seen, proved);
    else if (directory.epoch(peer) !== found.epoch) {
      this.#link.close('EPOCH_INVALID');
      return;
    }
    this.#awaitsTheirs = false;
    this.#settle();
  }

  async #follow(found: EpochEntry, receipt: Receipt, seen: Checkpoint, proved: ProvedEpoch): Promise<void> {
    const { committer, directory, store } = this.#context;
    const { peer } = this.#link;
    const { size } = proved.kept;
    const gone: string[] = [];
    for await (const [key] of store.scan(keys.witnessedHeadsOf(peer))) if (parseDecimalKey(key) > size) gone.push(key);
    const arrived: string[] = [];
    for await (const [, bytes] of store.scan(evidenceKeys.files)) {
      const record = decodeRecord<EvidenceRecord>(bytes);
      if (record.peer === peer && record.complete !== undefined && record.recovered !== true)
        arrived.push(fileOf(record).file_id);
    }
    await committer.commit(async (view) => {
      const known = (await view.getRecord<PeerRecord>(keys.peer(peer))) ?? NEW_PEER;
      view.put(keys.formerHead(peer, directory.epoch(peer)), utf8ToBytes(seen.note));
      // What was cosigned of the lost entries stays in this node's ledger; the next cosignature begins a new history.
      for (const key of [keys.witnessed(peer), ...gone]) view.delete(key);
      // The node may have lost that it held the proof of an arrival: it is told again, and says so again if it had not.
      for (const id of arrived) view.putRecord(evidenceKeys.unsettled(peer, id), {});
      view.putRecord(keys.peer(peer), noteCheckpoint({ ...known, checkpoint: undefined }, found.checkpoint));
      const value = { leaf_hash: found.leaf, checkpoint: found.checkpoint.note };
      const ref = view.append({ kind: 'RESUMED', peer, seq: 0, detail: { type: 'peer_entry', value } });
      view.put(keys.peerProof(ref.index), encodeReceipt(receipt));
    }, peer);
    directory.follow(peer, found.epoch);
    this.#context.failpoint('resume.followed');
    await recordIncident(this.#context, peer, {
      kind: 'RESTARTED_LEDGER',
      detail: `${peer} lost entries of its ledger and went on as ${found.checkpoint.origin}: of ${seen.size} that it had signed it kept ${size}`,
      exhibits: [seen.note, proved.kept.note, found.checkpoint.note, bytesToBase64url(encodeReceipt(proved.receipt))],
    });
  }

  #settle(): void {
    if (this.isSettled) this.#onSettled();
  }

  /** An entry of the peer's, proved now, under whichever epoch it says. */
  #entryOf(receipt: Receipt): EpochEntry | undefined {
    const { directory, clock, verifyCheckpoint: verify } = this.#context;
    const { peer } = this.#link;
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

  /** A head that the peer had signed before. */
  #headOf(note: string): { readonly checkpoint: Checkpoint; readonly epoch: number } | undefined {
    const { directory, verifyCheckpoint: verify } = this.#context;
    const named = epochKeysOf(note, directory.everyLedgerKey(this.#link.peer));
    const verified = named === undefined ? undefined : verifyCheckpoint(note, named.keys, verify);
    return verified?.ok === true ? { checkpoint: verified.value, epoch: named!.epoch } : undefined;
  }
}
