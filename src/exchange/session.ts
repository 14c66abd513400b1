import { codeOf } from '../base/mod.ts';
import type { Deliver, Frame, Receipt } from '../wire/mod.ts';
import type { CloseReason } from './close-code.ts';
import type { ExchangeContext } from './context.ts';
import { Delivery, type Attempts } from './delivery.ts';
import { admitDelivery, takeDelivery } from './inbox.ts';
import type { LinkHandler, PeerLink } from './link.ts';
import { takeReceipt } from './receipt.ts';
import { SessionWitness } from './witness.ts';

/** One session with a peer: deliveries both ways. */
export class Session implements LinkHandler {
  readonly #context: ExchangeContext;
  readonly #link: PeerLink;
  readonly #delivery: Delivery;
  readonly #witness: SessionWitness;
  readonly #onFatal: (error: unknown) => void;
  readonly #onClose: () => void;
  // Admission keeps the order of arrival; the steps behind it share batches.
  #admission: Promise<unknown> = Promise.resolve();
  #witnessing: Promise<unknown> = Promise.resolve();
  #unanswered = 0;
  #over = false;

  constructor(options: {
    readonly context: ExchangeContext;
    readonly link: PeerLink;
    readonly attempts: Attempts;
    readonly witnessIntervalMs: number;
    readonly onFatal: (error: unknown) => void;
    readonly onClose: () => void;
  }) {
    const { context, link, attempts } = options;
    this.#context = context;
    this.#link = link;
    this.#onFatal = options.onFatal;
    this.#onClose = options.onClose;
    const onFailure = (error: unknown): void => {
      this.#fail(error);
    };
    this.#delivery = new Delivery({ context, link, attempts, onFailure });
    this.#witness = new SessionWitness({ context, link, intervalMs: options.witnessIntervalMs, onFailure });
  }

  wake(): void {
    this.#delivery.wake();
  }

  /** The own ledger has grown: the peer is to cosign it. */
  offerCheckpoint(): void {
    this.#witness.wake();
  }

  close(reason: CloseReason): void {
    this.#link.close(reason);
  }

  async stop(): Promise<void> {
    this.#over = true;
    this.#witness.stop();
    await this.#delivery.stop();
  }

  onFrame(frame: Frame): void {
    switch (frame.type) {
      case 'deliver':
        this.#onDeliver(frame.value);
        return;
      case 'receipt':
        this.#onReceipt(frame.value).catch((error: unknown) => {
          this.#fail(error);
        });
        return;
      case 'witness_offer':
        this.#inTurn(() => this.#witness.onOffer(frame.value));
        return;
      case 'cosignature':
        this.#inTurn(() => this.#witness.onCosignature(frame.value));
        return;
      case 'hello':
      case 'manifest':
        this.close('HELLO_EXPECTED');
        return;
      default:
        frame satisfies never;
    }
  }

  onClose(): void {
    if (!this.#over) this.#onClose();
    this.stop().catch(this.#onFatal);
  }

  #onDeliver(deliver: Deliver): void {
    if (++this.#unanswered > this.#context.limits.credit) {
      this.close('CREDIT_EXCEEDED');
      return;
    }
    const { peer } = this.#link;
    this.#admission = this.#admission
      .then(() => admitDelivery(this.#context, peer, deliver))
      .then((admitted) => {
        if (this.#over) return;
        if ('close' in admitted) {
          this.close(admitted.close);
          return;
        }
        this.#answer(takeDelivery(this.#context, peer, admitted)).catch((error: unknown) => {
          this.#fail(error);
        });
      })
      .catch((error: unknown) => {
        this.#fail(error);
      });
  }

  /** One after another: an offer judged beside another could be judged against what the other is about to write. */
  #inTurn(act: () => Promise<void>): void {
    this.#witnessing = this.#witnessing
      .then(() => (this.#over ? undefined : act()))
      .catch((error: unknown) => {
        this.#fail(error);
      });
  }

  async #answer(taking: ReturnType<typeof takeDelivery>): Promise<void> {
    const outcome = await taking;
    this.#unanswered--;
    if ('close' in outcome) this.close(outcome.close);
    else await this.#link.send({ type: 'receipt', value: outcome.receipt });
  }

  async #onReceipt(receipt: Receipt): Promise<void> {
    const outcome = await takeReceipt(this.#context, this.#link.peer, receipt);
    if ('close' in outcome) this.close(outcome.close);
    else this.#delivery.answered(outcome.record.seq);
  }

  #fail(error: unknown): void {
    // The committer has told of its own failure; anything else is a fault of this node, and nothing about it is known to be safe.
    if (codeOf(error) !== 'EXCHANGE_STOPPED') this.#onFatal(error);
    this.close('NODE_FAILED');
  }
}
