/**
 * A session after one ledger has begun again. The node proves how its epoch began; the peer gives back what it holds of the lost entries;
 * the node commits to what the peer held; the peer keeps the proof of the old head, and follows. Only then is anything else exchanged. A
 * session that breaks off is begun again from the start, and what was taken already is passed over.
 */
import { utf8ToBytes, bytesToBase64url } from '../base/mod.ts';
import type { Checkpoint } from '../ledger/mod.ts';
import { encodeReceipt, type GiveBack, type Receipt, type Resume } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { evidenceKeys, fileOf, type EvidenceRecord } from './evidence-record.ts';
import { givenBack } from './give-back.ts';
import { seenCheckpoint, type ResumeNeed } from './hello.ts';
import { recordIncident } from './incident.ts';
import { forkOf, verifyEpochEntry, verifyLineage, type EpochEntry, type Lineage } from './lineage.ts';
import type { PeerLink } from './link.ts';
import { noteCheckpoint } from './peer-head.ts';
import { NEW_PEER, decodeRecord, keys, parseDecimalKey, type PeerRecord, type ResumedRecord } from './record.ts';
import { takeBack } from './recovery.ts';
import { putSettled } from './settled.ts';

/** The peer's new epoch, as it was proved. */
interface ProvedEpoch {
  readonly lineage: Lineage;
  readonly receipt: Receipt;
}

// As many as the frame may hold beside the newest.
const MAX_BEFORE = 64;

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
    const entries = ledger.epochEntries.slice(-1 - MAX_BEFORE);
    const [epoch, ...before] = (await Promise.all(entries.map((index) => ledger.receipt(index)))).reverse();
    await this.#link.send({ type: 'resume', value: { epoch: epoch!, before: before.reverse() } });
  }

  /** At the peer: the node's epoch is believed if it is proved with those before it, and contradicts nothing that this node has cosigned. */
  async onResume(resume: Resume): Promise<void> {
    const { peer } = this.#link;
    // Once a session is enough: to answer it, this node reads all messages that there are.
    const lineage = this.#proved === undefined ? verifyLineage(this.#context, peer, resume) : undefined;
    if (lineage === undefined) {
      this.#link.close('EPOCH_INVALID');
      return;
    }
    const fork = await forkOf(this.#context, peer, lineage, await seenCheckpoint(this.#context, peer));
    if (fork !== undefined) {
      await recordIncident(this.#context, peer, {
        kind: 'FORKED_LEDGER',
        detail: `${peer} says that it has kept ${fork.kept.size} entries that are not those it had signed before`,
        exhibits: [fork.known, fork.kept.note],
      });
      this.#link.close('LEDGER_CONTRADICTION');
      return;
    }
    this.#proved = { lineage, receipt: resume.epoch };
    let entries = 0;
    for await (const item of givenBack(this.#context, peer, lineage)) {
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
    return takeBack(this.#context, this.#link.peer, given, this.#proved?.lineage.last.number);
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
    const found = verifyEpochEntry(this.#context, peer, receipt);
    const stated = found?.entry.detail?.type === 'resumed' ? found.entry.detail.value : undefined;
    const seen = await seenCheckpoint(this.#context, peer);
    const proved = this.#proved;
    const isAbout = found?.entry.peer === this.#context.code && stated?.epoch === proved?.lineage.last.number;
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
    const { kept } = proved.lineage.last;
    const size = proved.lineage.keptOf(directory.epoch(peer));
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
      exhibits: [seen.note, kept.note, found.checkpoint.note, bytesToBase64url(encodeReceipt(proved.receipt))],
    });
  }

  #settle(): void {
    if (this.isSettled) this.#onSettled();
  }
}
