/**
 * The giving half of a session: sends chunks of the files that this node has announced to the peer, as many as the peer asks for. One
 * chunk at a time is handed to the socket, so that a message never waits for more than one.
 */
import { bytesToBase64url, codeOf, equalBytes, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import {
  encodeReceipt,
  type EvidenceDone,
  type EvidenceFile,
  type EvidenceRequest,
  type EvidenceStopReason,
} from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { ReadAhead } from './evidence-read-ahead.ts';
import { evidenceKeys, fileOf, type EvidenceRecord, type OfferRecord } from './evidence-record.ts';
import { recordIncident } from './incident.ts';
import type { PeerLink } from './link.ts';
import { verifyPeerEntry, type ProvedEntry } from './peer-entry.ts';
import { decodeRecord, keys, type MessageRecord } from './record.ts';

/** A file that is going out. */
interface Serving {
  readonly file: EvidenceFile;
  next: number;
  /** Chunks below this may be sent. */
  limit: number;
  readonly ahead: ReadAhead;
}

const RETRY_STORE_MS = 15_000;

/** Gives files to one peer. */
export class EvidenceServe {
  readonly #context: ExchangeContext;
  readonly #link: PeerLink;
  readonly #onFailure: (error: unknown) => void;
  readonly #serving = new Map<string, Serving>();
  #work: Promise<void> = Promise.resolve();
  #pumping: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  /** Files that go on later, and how not to. */
  readonly #paused = new Map<string, () => void>();

  constructor(options: {
    readonly context: ExchangeContext;
    readonly link: PeerLink;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#context = options.context;
    this.#link = options.link;
    this.#onFailure = options.onFailure;
  }

  onRequest(request: EvidenceRequest): Promise<void> {
    return this.#inTurn(async () => {
      const { file_id: fileId, from_chunk: from, credit, restart } = request;
      let serving = this.#serving.get(fileId);
      if (serving === undefined) {
        const file = await this.#fileFor(fileId);
        if (typeof file === 'string') {
          this.#link.answer({ type: 'evidence_stop', value: { file_id: fileId, reason: file } });
          return;
        }
        serving = { file, next: from, limit: 0, ahead: new ReadAhead(this.#context.evidence!.vault, file) };
        this.#serving.set(fileId, serving);
      }
      if (restart) serving.next = from;
      serving.limit = Math.min(from + credit, serving.file.chunk_count);
      this.#pump();
    });
  }

  /** The peer takes no more of a file; with room again it asks again. */
  onStop(fileId: string, reason: EvidenceStopReason): Promise<void> {
    return this.#inTurn(async () => {
      this.#end(fileId);
      if (reason === 'NO_SPACE') return;
      await this.#context.committer.commit(async (view) => {
        const key = evidenceKeys.offer(this.#peer, fileId);
        const offer = await view.getRecord<OfferRecord>(key);
        if (offer?.status === 'OFFERED')
          view.putRecord(key, { ...offer, status: 'REFUSED', reason } satisfies OfferRecord);
      });
    });
  }

  /** The peer's word that a file is there, with its proof. */
  onDone(done: EvidenceDone): Promise<void> {
    return this.#inTurn(async () => {
      this.#end(done.file_id);
      const bytes = await this.#context.store.get(evidenceKeys.offer(this.#peer, done.file_id));
      const offer = bytes === undefined ? undefined : decodeRecord<OfferRecord>(bytes);
      const proved = verifyPeerEntry(this.#context, this.#peer, done.receipt);
      if (offer === undefined && proved.ok && (await this.#isForgotten(proved.value))) {
        this.#link.answer({ type: 'evidence_settled', value: { file_id: done.file_id } });
        return;
      }
      if (offer === undefined || !proved.ok || !(await this.#isAbout(offer, proved.value))) {
        await recordIncident(this.#context, this.#peer, {
          kind: 'INVALID_RECEIPT',
          detail: 'it proves the arrival of no file that was offered',
          exhibits: [bytesToBase64url(encodeReceipt(done.receipt))],
        });
        this.#link.close('EVIDENCE_RECEIPT_INVALID');
        return;
      }
      if (offer.status !== 'COMPLETE') await this.#hold(done, proved.value);
      this.#context.failpoint('evidence.held');
      this.#link.answer({ type: 'evidence_settled', value: { file_id: done.file_id } });
      this.#context.failpoint('evidence.settled');
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const fileId of [...this.#serving.keys(), ...this.#paused.keys()]) this.#end(fileId);
    await this.#work;
    await this.#pumping;
  }

  get #peer(): JurisdictionCode {
    return this.#link.peer;
  }

  /** One after another; resolves when it is done, so that no more is read than is worked on. */
  #inTurn(act: () => Promise<unknown>): Promise<void> {
    const turn = this.#work.then(async () => {
      if (!this.#stopped) await act();
    });
    this.#work = turn.catch(() => undefined);
    return turn;
  }

  async #fileFor(fileId: string): Promise<EvidenceFile | EvidenceStopReason> {
    const { store } = this.#context;
    const offered = await store.get(evidenceKeys.offer(this.#peer, fileId));
    if (offered === undefined) return 'NOT_OFFERED';
    const bytes = await store.get(evidenceKeys.file(fileId));
    const record = bytes === undefined ? undefined : decodeRecord<EvidenceRecord>(bytes);
    return record?.status === 'STORED' ? fileOf(record) : 'GONE';
  }

  #end(fileId: string): void {
    this.#serving.delete(fileId);
    this.#paused.get(fileId)?.();
    this.#paused.delete(fileId);
    this.#context.evidence?.transfers.end(this.#peer, fileId);
  }

  #pump(): void {
    this.#again = true;
    this.#pumping ??= this.#run()
      .catch(this.#onFailure)
      .finally(() => {
        this.#pumping = undefined;
        // Asked for after the last look and before this.
        if (this.#again && !this.#stopped) this.#pump();
      });
  }

  /** In turns, so that a small file does not wait behind a large one. */
  async #run(): Promise<void> {
    for (let sent = true; sent;) {
      sent = false;
      this.#again = false;
      for (const [fileId, serving] of this.#serving) {
        if (this.#stopped || serving.next >= serving.limit) continue;
        await this.#sendChunk(fileId, serving);
        sent = true;
      }
    }
  }

  async #sendChunk(fileId: string, serving: Serving): Promise<void> {
    const index = serving.next++;
    let encoded: Uint8Array;
    try {
      encoded = await serving.ahead.frame(index);
    } catch (error) {
      // Settled or given up meanwhile.
      if (this.#serving.get(fileId) !== serving) return;
      if (codeOf(error) === 'EVIDENCE_STORE_FAILED') {
        // Or, asked for anew meanwhile, from there.
        this.#pause(fileId, { ...serving, next: Math.min(index, serving.next) });
        return;
      }
      // Its content is not what it was: the operator finds it by “evidence verify”; the peer need not wait.
      this.#end(fileId);
      this.#link.answer({ type: 'evidence_stop', value: { file_id: fileId, reason: 'GONE' } });
      return;
    }
    await this.#link.sendBulk(encoded);
    this.#context.failpoint('evidence.chunk-sent');
    const { size, chunk_bytes: chunkBytes } = serving.file;
    if (this.#serving.has(fileId))
      this.#context.evidence!.transfers.note(this.#peer, fileId, Math.min(size, (index + 1) * chunkBytes), size);
  }

  /** The store of objects is away: the file goes on later from where it stopped, unless the peer has asked again meanwhile. */
  #pause(fileId: string, { file, next, limit }: Serving): void {
    this.#serving.delete(fileId);
    const code = 'EVIDENCE_STORE_FAILED';
    const { evidence, clock, timers } = this.#context;
    evidence!.transfers.postpone(this.#peer, fileId, file.size, code);
    this.#context.emit({ kind: 'EVIDENCE_POSTPONED', time: clock.nowMs(), peer: this.#peer, code });
    this.#paused.get(fileId)?.();
    const cancel = timers.after(RETRY_STORE_MS, () => {
      this.#paused.delete(fileId);
      if (this.#stopped || this.#serving.has(fileId)) return;
      this.#serving.set(fileId, { file, next, limit, ahead: new ReadAhead(evidence!.vault, file) });
      this.#pump();
    });
    this.#paused.set(fileId, cancel);
  }

  /** Whether a file was announced by a message that this node lost and was given back, while what it knew of the file did not come back. */
  async #isForgotten({ entry }: ProvedEntry): Promise<boolean> {
    const id = entry.message_id as Uuid | undefined;
    const bytes = id === undefined ? undefined : await this.#context.store.get(keys.message(id));
    const record = bytes === undefined ? undefined : decodeRecord<MessageRecord>(bytes);
    return record?.peer === this.#peer && record.direction === 'OUT' && record.recovered === true;
  }

  async #isAbout(offer: OfferRecord, { entry }: ProvedEntry): Promise<boolean> {
    const bytes = await this.#context.store.get(evidenceKeys.file(offer.file_id));
    if (bytes === undefined || entry.detail?.type !== 'evidence_arrived') return false;
    const file = fileOf(decodeRecord<EvidenceRecord>(bytes));
    const { file_id: fileId, size, root } = entry.detail.value;
    return (
      entry.kind === 'EVIDENCE_COMPLETE' &&
      entry.peer === this.#context.code &&
      offer.message_ids.some((id) => id === entry.message_id) &&
      fileId === file.file_id &&
      size === file.size &&
      equalBytes(root, file.root)
    );
  }

  async #hold({ file_id: fileId, receipt }: EvidenceDone, { entry, ref, detail }: ProvedEntry): Promise<void> {
    const held = await this.#context.committer.commit(async (view) => {
      const key = evidenceKeys.offer(this.#peer, fileId);
      const offer = (await view.getRecord<OfferRecord>(key))!;
      if (offer.status === 'COMPLETE') return undefined;
      const held = view.append({
        kind: 'EVIDENCE_COMPLETE',
        peer: this.#peer,
        message_id: entry.message_id,
        seq: 0,
        detail,
      });
      view.put(keys.peerProof(held.index), encodeReceipt(receipt));
      view.putRecord(key, { ...offer, status: 'COMPLETE', reason: undefined, answer: ref, held } satisfies OfferRecord);
      return held;
    });
    if (held === undefined) return;
    const event = { peer: this.#peer, file_id: fileId as Uuid, peer_index: ref.index };
    this.#context.emit({ kind: 'EVIDENCE_HELD', ...event, ...held });
  }
}
