import { codeOf } from '../base/mod.ts';
import type { Deliver, Frame, Receipt } from '../wire/mod.ts';
import type { CloseReason } from './close-code.ts';
import type { ExchangeContext } from './context.ts';
import type { Attempts } from './attempts.ts';
import { Delivery } from './delivery.ts';
import { admitDelivery, takeDelivery } from './inbox.ts';
import { EvidencePull } from './evidence-pull.ts';
import { EvidenceServe } from './evidence-serve.ts';
import type { ResumeNeed } from './hello.ts';
import type { LinkHandler, PeerLink } from './link.ts';
import { admitReceipt, takeReceipt } from './receipt.ts';
import { SessionResume } from './resume.ts';
import { SessionWitness } from './witness.ts';

/** One session with a peer: deliveries both ways. */
export class Session implements LinkHandler {
  readonly #context: ExchangeContext;
  readonly #link: PeerLink;
  readonly #delivery: Delivery;
  readonly #witness: SessionWitness;
  readonly #pull: EvidencePull;
  readonly #serve: EvidenceServe;
  readonly #resume: SessionResume;
  readonly #onFatal: (error: unknown) => void;
  readonly #onAnnounced: () => void;
  readonly #onClose: (stopped: Promise<void>) => void;
  #witnessing: Promise<void> = Promise.resolve();
  #settling: Promise<void> = Promise.resolve();
  // Frames that came before everything was settled and have not had their turn: whatever comes after them goes behind them.
  #ahead = 0;
  #unanswered = 0;
  #over = false;

  constructor(options: {
    readonly context: ExchangeContext;
    readonly link: PeerLink;
    readonly attempts: Attempts;
    readonly witnessIntervalMs: number;
    /** What has to be settled first, because a ledger has begun again. */
    readonly resume: ResumeNeed;
    readonly onFatal: (error: unknown) => void;
    /** Files were announced. By then another session may have taken the place of this one, and found none. */
    readonly onAnnounced: () => void;
    /** Resolves when nothing of the session before this one is at work any more: two must not receive the same file. */
    readonly after: Promise<void> | undefined;
    /** Told at once; what it is given resolves when nothing of the session is at work any more. */
    readonly onClose: (stopped: Promise<void>) => void;
  }) {
    const { context, link, attempts } = options;
    this.#context = context;
    this.#link = link;
    this.#onFatal = options.onFatal;
    this.#onAnnounced = options.onAnnounced;
    this.#onClose = options.onClose;
    const onFailure = (error: unknown): void => {
      this.#fail(error);
    };
    this.#delivery = new Delivery({ context, link, attempts, onFailure });
    this.#pull = new EvidencePull({ context, link, after: options.after, onFailure });
    this.#serve = new EvidenceServe({ context, link, onFailure });
    this.#witness = new SessionWitness({ context, link, intervalMs: options.witnessIntervalMs, onFailure });
    const onSettled = (): void => {
      this.#open();
    };
    this.#resume = new SessionResume({ context, link, need: options.resume, onSettled });
  }

  /** Starts exchanging, or settling what comes before. */
  begin(): void {
    if (this.#resume.isSettled) this.#open();
    else void this.#inOrder(() => this.#resume.begin());
  }

  #open(): void {
    this.wake();
    this.offerCheckpoint();
    this.fetchEvidence();
  }

  wake(): void {
    if (this.#resume.isSettled) this.#delivery.wake();
  }

  /** @see Delivery.waitOf */
  waitOf(seq: number): ReturnType<Delivery['waitOf']> {
    return this.#delivery.waitOf(seq);
  }

  /** Files may have been announced. */
  fetchEvidence(): void {
    if (this.#context.evidence !== undefined && this.#resume.isSettled) this.#pull.wake();
  }

  /** The own ledger has grown: the peer is to cosign it. */
  offerCheckpoint(): void {
    if (this.#resume.isSettled) this.#witness.wake();
  }

  close(reason: CloseReason): void {
    this.#link.close(reason);
  }

  async stop(): Promise<void> {
    this.#over = true;
    this.#witness.stop();
    await Promise.all([this.#delivery.stop(), this.#pull.stop(), this.#serve.stop(), this.#settling]);
  }

  onFrame(frame: Frame): Promise<void> {
    if (!this.#resume.isSettled || this.#ahead > 0) return this.#inOrder(() => this.#process(frame));
    return this.#process(frame).catch((error: unknown) => {
      this.#fail(error);
    });
  }

  async #process(frame: Frame): Promise<void> {
    const isOfResume = ['resume', 'give_back', 'gave_back', 'resume_done'].includes(frame.type);
    if (!isOfResume && !this.#resume.isSettled) {
      this.close('EPOCH_INVALID');
      return;
    }
    switch (frame.type) {
      case 'resume':
        return this.#resume.onResume(frame.value);
      case 'give_back':
        return this.#resume.onGiveBack(frame.value);
      case 'gave_back':
        return this.#resume.onGaveBack(frame.value.entries);
      case 'resume_done':
        return this.#resume.onDone(frame.value.resumed);
      case 'deliver':
        return this.#onDeliver(frame.value);
      case 'receipt':
        return this.#onReceipt(frame.value);
      case 'witness_offer':
        return this.#inTurn(() => this.#witness.onOffer(frame.value));
      case 'cosignature':
        return this.#inTurn(() => this.#witness.onCosignature(frame.value));
      case 'evidence_request':
        return this.#serve.onRequest(frame.value);
      case 'evidence_chunk':
        return this.#pull.onChunk(frame.value);
      case 'evidence_stop':
        // Either half may be meant; only the one that knows the file acts.
        await this.#pull.onStop(frame.value.file_id, frame.value.reason);
        return this.#serve.onStop(frame.value.file_id, frame.value.reason);
      case 'evidence_done':
        return this.#serve.onDone(frame.value);
      case 'evidence_settled':
        return this.#pull.onSettled(frame.value.file_id);
      case 'hello':
      case 'manifest':
        this.close('HELLO_EXPECTED');
        return;
      default:
        frame satisfies never;
    }
  }

  onClose(): void {
    this.#onClose(this.stop());
  }

  async #onDeliver(deliver: Deliver): Promise<void> {
    const { limits, turns, failpoint } = this.#context;
    if (++this.#unanswered > limits.credit) {
      this.close('CREDIT_EXCEEDED');
      return;
    }
    const { peer } = this.#link;
    failpoint('receive.arrived');
    // The commit is asked for in the same turn: deliveries keep the order of their arrival, and those behind share its batch.
    const taking = await turns.take(peer, async () => {
      if (this.#over) return undefined;
      const admitted = await admitDelivery(this.#context, peer, deliver);
      failpoint('receive.opened');
      return { outcome: 'close' in admitted ? Promise.resolve(admitted) : takeDelivery(this.#context, peer, admitted) };
    });
    const outcome = await taking?.outcome;
    this.#unanswered--;
    if (outcome === undefined) return;
    if ('close' in outcome) {
      this.close(outcome.close);
      return;
    }
    failpoint('receipt.sending');
    this.#link.answer({ type: 'receipt', value: outcome.receipt });
    failpoint('receipt.sent');
    if (outcome.announcesFiles) this.#onAnnounced();
  }

  /** One after another: an offer judged beside another could be judged against what the other is about to write. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#witnessing.then(() => (this.#over ? undefined : act()));
    this.#witnessing = turn.catch(() => undefined);
    return turn;
  }

  /** One frame after another, until everything is settled; those that have waited for that are begun in their order, as all others are. */
  #inOrder(act: () => Promise<void>): Promise<void> {
    this.#ahead++;
    let acting = Promise.resolve();
    this.#settling = this.#settling.then(() => {
      this.#ahead--;
      if (this.#over) return undefined;
      const isWaitedFor = !this.#resume.isSettled;
      acting = act().catch((error: unknown) => {
        this.#fail(error);
      });
      return isWaitedFor ? acting : undefined;
    });
    return this.#settling.then(() => acting);
  }

  async #onReceipt(receipt: Receipt): Promise<void> {
    const { turns, failpoint } = this.#context;
    const { peer } = this.#link;
    failpoint('receipt.arrived');
    const taking = await turns.take(peer, async () => {
      if (this.#over) return undefined;
      const admitted = await admitReceipt(this.#context, peer, receipt);
      return { outcome: 'close' in admitted ? Promise.resolve(admitted) : takeReceipt(this.#context, peer, admitted) };
    });
    const outcome = await taking?.outcome;
    if (outcome === undefined) return;
    if ('close' in outcome) this.close(outcome.close);
    else this.#delivery.answered(outcome.record.seq);
  }

  #fail(error: unknown): void {
    // The committer has told of its own failure; anything else is a fault of this node, and nothing about it is known to be safe.
    if (codeOf(error) !== 'EXCHANGE_STOPPED') this.#onFatal(error);
    this.close('NODE_FAILED');
  }
}
