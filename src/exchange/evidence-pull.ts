/**
 * The fetching half of a session: asks the peer for the files that it announced, keeps each chunk as it comes, and answers a whole file
 * with the proof that its arrival is in this node's ledger.
 */
import type { JurisdictionCode } from '../base/mod.ts';
import { codeOf } from '../base/mod.ts';
import type { Receiving } from '../evidence/mod.ts';
import type { EvidenceChunk, EvidenceFile, EvidenceStopReason } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { declineArrival, discardContent, failArrival, recordArrival } from './evidence-arrival.ts';
import { MAX_BAD_CHUNKS, Pulling, WINDOW_CHUNKS } from './evidence-pulling.ts';
import { evidenceKeys, fileOf, type AwaitedRecord, type EvidenceRecord } from './evidence-record.ts';
import { decodeRecord } from './record.ts';
import type { PeerLink } from './link.ts';

/** A chunk that is being worked on. */
interface Handed {
  readonly pulling: Pulling;
  readonly index: number;
  readonly kept: Promise<boolean | undefined>;
}

const FILES_AT_ONCE = 2;
const RETRY_SPACE_MS = 60_000;

/** Fetches what one peer has announced. */
export class EvidencePull {
  readonly #context: ExchangeContext;
  readonly #link: PeerLink;
  readonly #onFailure: (error: unknown) => void;
  readonly #pulling = new Map<string, Pulling>();
  readonly #postponed = new Set<string>();
  #work: Promise<void>;
  #queued = 0;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: {
    readonly context: ExchangeContext;
    readonly link: PeerLink;
    /** What has to end first. */
    readonly after: Promise<void> | undefined;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#context = options.context;
    this.#link = options.link;
    this.#work = options.after?.catch(options.onFailure) ?? Promise.resolve();
    this.#onFailure = options.onFailure;
  }

  /** Looks for files to fetch: when the session begins, and whenever the peer has announced some. */
  wake(): void {
    this.#inTurn(() => this.#begin()).catch(this.#onFailure);
  }

  async onChunk(chunk: EvidenceChunk): Promise<void> {
    // Whoever sends more than was asked for fills this node's memory.
    if (this.#queued > WINDOW_CHUNKS * FILES_AT_ONCE * 2) {
      this.#link.close('CREDIT_EXCEEDED');
      return;
    }
    this.#queued++;
    let handed: Handed | undefined;
    await this.#inTurn(async () => {
      this.#queued--;
      handed = await this.#hand(chunk);
    });
    // The next chunk is handed in meanwhile; only what is kept no more counts as unprocessed.
    if (handed !== undefined) await this.#judged(handed);
  }

  /** The peer cannot give a file. */
  onStop(fileId: string, reason: EvidenceStopReason): Promise<void> {
    return this.#inTurn(async () => {
      const pulling = this.#pulling.get(fileId);
      if (pulling === undefined) return;
      await this.#end(fileId);
      await failArrival(this.#context, this.#peer, fileId, reason);
      await this.#begin();
    });
  }

  /** The peer holds the proof of arrival. */
  onSettled(fileId: string): Promise<void> {
    return this.#inTurn(() =>
      this.#context.committer.commit(async (view) => {
        const key = evidenceKeys.unsettled(this.#peer, fileId);
        // A peer may say so of anything: what takes nothing away must not cost a write to the disk.
        if ((await view.get(key)) !== undefined) view.delete(key);
      }),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#work;
    for (const fileId of [...this.#pulling.keys()]) await this.#end(fileId);
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

  async #begin(): Promise<void> {
    const { store } = this.#context;
    for await (const [key] of store.scan(evidenceKeys.unsettledOf(this.#peer))) await this.#tell(idOf(key));
    for await (const [key, bytes] of store.scan(evidenceKeys.awaitedOf(this.#peer))) {
      const fileId = idOf(key);
      const { reason } = decodeRecord<AwaitedRecord>(bytes);
      if (reason !== undefined) await this.#decline(fileId, reason);
      else if (this.#pulling.size < FILES_AT_ONCE && !this.#pulling.has(fileId)) await this.#pull(fileId);
    }
  }

  async #decline(fileId: string, reason: EvidenceStopReason): Promise<void> {
    this.#link.answer({ type: 'evidence_stop', value: { file_id: fileId, reason } });
    await declineArrival(this.#context, this.#peer, fileId);
  }

  async #pull(fileId: string): Promise<void> {
    const { vault } = this.#context.evidence!;
    const bytes = await this.#context.store.get(evidenceKeys.file(fileId));
    if (bytes === undefined || this.#postponed.has(fileId)) return;
    const record = decodeRecord<EvidenceRecord>(bytes);
    // Deleted since the list was read: without its key there is nothing to open it by.
    if (record.status !== 'AWAITED') return;
    const file = fileOf(record);
    let receiving: Receiving | undefined;
    try {
      // A crash between taking the file over and writing that down.
      const isHere = await vault.holds(file);
      receiving = isHere ? undefined : await vault.receive(file);
    } catch (error) {
      await this.#postpone(file, error);
      return;
    }
    if (receiving === undefined) {
      await this.#complete(file);
      return;
    }
    const pulling = new Pulling(this.#link, receiving, this.#context.evidence!.transfers);
    this.#pulling.set(fileId, pulling);
    pulling.note();
    if (receiving.isWhole) await this.#finish(pulling);
    else pulling.ask(true);
  }

  async #hand({ file_id: fileId, index, sealed }: EvidenceChunk): Promise<Handed | undefined> {
    const pulling = this.#pulling.get(fileId);
    // Chunks that were on their way when the file was given up, or asked for anew.
    if (index !== pulling?.receiving.awaited) return undefined;
    try {
      const { kept } = await pulling.receiving.hand(sealed);
      return { pulling, index, kept };
    } catch (error) {
      await this.#stopFor(pulling, error);
      return undefined;
    }
  }

  async #judged({ pulling, index, kept }: Handed): Promise<void> {
    const { receiving } = pulling;
    let isRight: boolean | undefined;
    try {
      isRight = await kept;
    } catch (error) {
      await this.#inTurn(() => this.#stopFor(pulling, error));
      return;
    }
    if (this.#stopped || !this.#isCurrent(pulling) || isRight === undefined) return;
    if (!isRight) {
      await this.#inTurn(() => this.#askAgain(pulling, index));
      return;
    }
    this.#context.failpoint('evidence.chunk-taken');
    pulling.kept();
    if (receiving.isWhole) await this.#inTurn(() => this.#finish(pulling));
    else pulling.askOn();
  }

  async #askAgain(pulling: Pulling, index: number): Promise<void> {
    if (!this.#isCurrent(pulling)) return;
    if (pulling.mayFailAgain()) {
      pulling.ask(true);
      return;
    }
    await this.#giveUp(pulling.receiving.file.file_id, `chunk ${index} did not open, ${MAX_BAD_CHUNKS} times`);
    await this.#begin();
  }

  /** Writing failed; of the chunks behind the one that failed the same is said once. */
  async #stopFor(pulling: Pulling, error: unknown): Promise<void> {
    if (!this.#isCurrent(pulling)) return;
    const { file } = pulling.receiving;
    await this.#end(file.file_id);
    await this.#postpone(file, error);
  }

  #isCurrent(pulling: Pulling): boolean {
    return this.#pulling.get(pulling.receiving.file.file_id) === pulling;
  }

  async #finish(pulling: Pulling): Promise<void> {
    const { receiving } = pulling;
    const fileId = receiving.file.file_id;
    if (!this.#isCurrent(pulling)) return;
    this.#pulling.delete(fileId);
    let isRight: boolean;
    try {
      isRight = await receiving.finish();
    } catch (error) {
      await this.#postpone(receiving.file, error);
      return;
    }
    if (isRight) {
      this.#context.failpoint('evidence.taken-over');
      await this.#complete(receiving.file);
    } else {
      await this.#giveUp(fileId, 'the chunks do not have the announced root');
    }
    await this.#begin();
  }

  async #complete(file: EvidenceFile): Promise<void> {
    const { file_id: fileId } = file;
    const isKept = await recordArrival(this.#context, this.#peer, fileId);
    if (!isKept) await discardContent(this.#context.evidence!.vault, file);
    this.#context.failpoint('evidence.recorded');
    this.#context.evidence!.transfers.end(this.#peer, fileId);
    await this.#context.evidence!.vault.abandon(fileId);
    await this.#tell(fileId);
  }

  /** The proof that the file is here, until the peer says that it holds it. */
  async #tell(fileId: string): Promise<void> {
    const bytes = await this.#context.store.get(evidenceKeys.file(fileId));
    const record = bytes === undefined ? undefined : decodeRecord<EvidenceRecord>(bytes);
    if (record?.complete === undefined || record.recovered === true) return;
    const receipt = await this.#context.ledger.receipt(record.complete.index);
    this.#link.answer({ type: 'evidence_done', value: { file_id: fileId, receipt } });
    this.#context.failpoint('evidence.done-sent');
  }

  async #giveUp(fileId: string, detail: string): Promise<void> {
    await this.#end(fileId);
    await this.#context.evidence!.vault.abandon(fileId);
    await failArrival(this.#context, this.#peer, fileId, 'CORRUPT', detail);
    this.#link.answer({ type: 'evidence_stop', value: { file_id: fileId, reason: 'CORRUPT' } });
  }

  /** No room, or the store of objects does not answer: what is here stays, and it goes on later. */
  async #postpone({ file_id: fileId, size }: EvidenceFile, error: unknown): Promise<void> {
    const code = codeOf(error);
    if (code !== 'EVIDENCE_NO_SPACE' && code !== 'EVIDENCE_STORE_FAILED') throw error;
    this.#postponed.add(fileId);
    this.#context.evidence!.transfers.postpone(this.#peer, fileId, size, code);
    this.#context.emit({ kind: 'EVIDENCE_POSTPONED', time: this.#context.clock.nowMs(), peer: this.#peer, code });
    this.#link.answer({ type: 'evidence_stop', value: { file_id: fileId, reason: 'NO_SPACE' } });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#postponed.clear();
      this.wake();
    }, RETRY_SPACE_MS);
    this.#retry.unref();
  }

  async #end(fileId: string): Promise<void> {
    const pulling = this.#pulling.get(fileId);
    this.#pulling.delete(fileId);
    this.#context.evidence?.transfers.end(this.#peer, fileId);
    await pulling?.receiving.close();
  }
}

function idOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
