/**
 * What may have left this node for one peer. A message may be given up only if it surely never left: otherwise the peer might apply what
 * this node says never happened. Clocks may jump and processes may be killed, so neither decides: the highest number handed to a session
 * is remembered here, and whether it is known exactly is on disk.
 */
import type { JurisdictionCode } from '../base/mod.ts';
import type { ExchangeContext } from './context.ts';
import { isSettled } from './settled.ts';
import { NEW_PEER, decodeRecord, encodeRecord, keys, type AttemptsRecord, type PeerRecord } from './record.ts';

/** The numbers that sessions with one peer have taken, over all processes of the node. */
export class Attempts {
  readonly #context: ExchangeContext;
  readonly #peer: JurisdictionCode;
  readonly #givenUp = new Map<number, Promise<unknown>>();
  #upTo: number | undefined;
  #isMarked = false;
  // One change of the mark after another.
  #marking: Promise<void> = Promise.resolve();

  constructor(context: ExchangeContext, peer: JurisdictionCode) {
    this.#context = context;
    this.#peer = peer;
  }

  /** Writes down that messages may leave from now on: after a crash, everything queued by then counts as gone. */
  open(): Promise<void> {
    if (this.#isMarked) return Promise.resolve();
    return this.#mark(async () => {
      await this.load();
      if (this.#isMarked) return;
      await this.#write({ up_to: 'UNKNOWN' });
      this.#isMarked = true;
      this.#context.failpoint('deliver.marked');
    });
  }

  /** No session is left: writes down exactly how far the last one came. */
  settle(): Promise<void> {
    if (!this.#isMarked) return Promise.resolve();
    // At once: a session that opens now has to write its own mark, behind this one.
    this.#isMarked = false;
    return this.#mark(() => this.#write({ up_to: this.#upTo! }));
  }

  /** Reads what processes before this one have left behind. */
  async load(): Promise<void> {
    if (this.#upTo !== undefined) return;
    const { store } = this.#context;
    const mark = await store.get(keys.attempts(this.#peer));
    const before = mark === undefined ? 0 : decodeRecord<AttemptsRecord>(mark).up_to;
    const peer = await store.get(keys.peer(this.#peer));
    const { sent_seq: queued } = peer === undefined ? NEW_PEER : decodeRecord<PeerRecord>(peer);
    // What was lost may say that it has left.
    const isKnown = before !== 'UNKNOWN' && (await isSettled(this.#context, store, this.#peer));
    this.#upTo ??= isKnown ? before : queued;
  }

  /** The number is handed to a session. Nothing may be awaited between this and the look that found it not given up. */
  claim(seq: number): void {
    this.#upTo = Math.max(this.#upTo!, seq);
  }

  /** Resolves when the giving up of this number is on disk; undefined when it was not given up in this process. */
  givenUp(seq: number): Promise<unknown> | undefined {
    return this.#givenUp.get(seq);
  }

  /**
   * Gives up a number, if it never left: from this call on no session takes it before `act` is through.
   * @returns undefined when it may have left, or is being given up already
   */
  giveUp<T>(seq: number, act: () => Promise<T>): Promise<T> | undefined {
    if (this.#upTo === undefined || seq <= this.#upTo || this.#givenUp.has(seq)) return undefined;
    const giving = act();
    this.#givenUp.set(seq, giving);
    giving.catch(() => this.#givenUp.delete(seq));
    return giving;
  }

  #mark(act: () => Promise<void>): Promise<void> {
    const turn = this.#marking.then(act);
    this.#marking = turn.catch(() => undefined);
    return turn;
  }

  async #write(record: AttemptsRecord): Promise<void> {
    await this.#context.committer.commit((view) => {
      view.put(keys.attempts(this.#peer), encodeRecord(record));
      return Promise.resolve();
    });
  }
}
