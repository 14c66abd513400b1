/** Delivers what is queued for one peer over one session: in order, within the peer's credit, until each has its receipt. */
import { TransientMap, parseUtf8, uuidTimeMs, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import type { Deliver } from '../wire/mod.ts';
import type { Attempts } from './attempts.ts';
import type { ExchangeContext } from './context.ts';
import type { PeerLink } from './link.ts';
import { voidMessage } from './outbox.ts';
import {
  decodeRecord,
  keys,
  parseDecimalKey,
  type CosignedRecord,
  type MessageRecord,
  type PeerRecord,
} from './record.ts';

// A receipt needs two synced writes at the peer; this is for a peer that has stopped answering without closing.
const OVERDUE_MS = 30_000;
const WATCH_INTERVAL_MS = 5_000;

/** The sending half of a session. */
export class Delivery {
  readonly #context: ExchangeContext;
  readonly #link: PeerLink;
  readonly #attempts: Attempts;
  readonly #onFailure: (error: unknown) => void;
  readonly #unanswered = new TransientMap<number, number>();
  // When the oldest of them has become the oldest: a peer that answers one after another is slow, and not silent.
  #oldestSince = -Infinity;
  #cancelWatch: () => void;
  #next: number | undefined;
  #witnessedSize: Promise<number> | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: {
    readonly context: ExchangeContext;
    readonly link: PeerLink;
    readonly attempts: Attempts;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#context = options.context;
    this.#link = options.link;
    this.#attempts = options.attempts;
    this.#onFailure = options.onFailure;
    this.#cancelWatch = this.#watch();
  }

  /** Sends what can be sent. Call it when something was queued, and when a receipt arrived. */
  wake(): void {
    this.#again = true;
    this.#running ??= this.#run()
      .catch(this.#onFailure)
      .finally(() => {
        this.#running = undefined;
        if (this.#again && !this.#stopped) this.wake();
      });
  }

  /** A receipt for this number was taken. */
  answered(seq: number): void {
    if (seq === this.#unanswered.keys().next().value) this.#oldestSince = this.#context.timers.monotonicMs();
    this.#unanswered.delete(seq);
    this.wake();
  }

  /** How long ago the number was sent in this session, if it was and is not answered; and how much longer its receipt may take. */
  waitOf(seq: number): { readonly sentMsAgo: number; readonly overdueInMs: number } | undefined {
    const at = this.#unanswered.get(seq);
    if (at === undefined) return undefined;
    const nowMs = this.#context.timers.monotonicMs();
    return { sentMsAgo: nowMs - at, overdueInMs: Math.max(0, OVERDUE_MS - this.#silentMs(at, nowMs)) };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelWatch();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#next ??= await this.#lowestPending();
    while (this.#again && !this.#stopped) {
      this.#again = false;
      const last = await this.#lastQueued();
      while (this.#next <= last && this.#unanswered.size < this.#link.limits.credit && !this.#isStopped()) {
        // Queued, and not yet under the signed checkpoint: whoever queued it wakes this session once it is.
        if (!(await this.#deliver(this.#next))) break;
        this.#next++;
      }
    }
  }

  // Its own function, or the compiler would not expect it to change while the loop waits.
  #isStopped(): boolean {
    return this.#stopped;
  }

  async #lowestPending(): Promise<number> {
    // The counter before the queue: what is queued between the two looks lies beyond this counter, and is found by the walk.
    const last = await this.#lastQueued();
    const { store } = this.#context;
    for await (const [key] of store.scan(keys.pendingOf(this.#link.peer), { limit: 1 })) return parseDecimalKey(key);
    return last + 1;
  }

  async #lastQueued(): Promise<number> {
    const record = await this.#context.records.get<PeerRecord>(keys.peer(this.#link.peer));
    return record?.sent_seq ?? 0;
  }

  /** @returns false when the message cannot be proved yet */
  async #deliver(seq: number): Promise<boolean> {
    const { store, ledger, code, timers, failpoint } = this.#context;
    const { peer } = this.#link;
    await this.#attempts.open();
    const record = await this.#claim(seq);
    if (record === 'ANSWERED') return true;
    if (record === 'NOT_PROVED') return false;
    const sealed = record.status === 'VOIDED' ? undefined : await store.get(keys.sealed(record.message_id));
    const deliver: Deliver = {
      from: code,
      to: peer,
      message_id: record.message_id,
      seq,
      sealed: sealed === undefined ? undefined : parseUtf8(sealed),
      sent: await ledger.receipt(record.sent.index, await this.#provingSize(record.sent.index)),
    };
    this.#unanswered.set(seq, timers.monotonicMs());
    failpoint('deliver.sending');
    await this.#link.send({ type: 'deliver', value: deliver });
    failpoint('deliver.sent');
    return true;
  }

  /**
   * The message under a number, which from now on counts as gone; or its VOIDED entry, if it has expired and surely never left. What may
   * have left is for the peer to refuse.
   */
  async #claim(seq: number): Promise<MessageRecord | 'ANSWERED' | 'NOT_PROVED'> {
    const { store, records, ledger, clock } = this.#context;
    for (;;) {
      const id = await store.get(keys.pending(this.#link.peer, seq));
      // Its receipt overtook this walk through the queue.
      if (id === undefined) return 'ANSWERED';
      const messageId = parseUtf8(id) as Uuid;
      const record = (await records.get<MessageRecord>(keys.message(messageId)))!;
      if (record.sent.index >= ledger.size) return 'NOT_PROVED';
      // From here to the claim nothing is awaited: a person, or another session, may be giving it up.
      const isQueued = record.status === 'QUEUED';
      const isExpired =
        record.expires_at !== undefined && record.expires_at !== 0 && record.expires_at <= clock.nowMs();
      const voiding =
        isQueued && isExpired
          ? this.#attempts.giveUp(seq, () => voidMessage(this.#context, messageId, 'VOIDED_EXPIRED'))
          : undefined;
      const givenUp = voiding ?? (isQueued ? this.#attempts.givenUp(seq) : undefined);
      if (givenUp === undefined) {
        this.#attempts.claim(seq);
        return record;
      }
      await givenUp;
    }
  }

  /** How long the peer has answered nothing that was its turn, with a delivery waiting that was sent at `sentAt`. */
  #silentMs(sentAt: number, nowMs: number): number {
    return nowMs - Math.max(sentAt, this.#oldestSince);
  }

  #watch(): () => void {
    const { timers } = this.#context;
    const from = timers.monotonicMs();
    return timers.after(WATCH_INTERVAL_MS, () => {
      const nowMs = timers.monotonicMs();
      // This process stood still, and has yet to read what came meanwhile.
      if (nowMs - from > 2 * WATCH_INTERVAL_MS) this.#oldestSince = nowMs;
      const [oldest] = this.#unanswered.values();
      if (oldest !== undefined && this.#silentMs(oldest, nowMs) > OVERDUE_MS) this.#link.close('RECEIPT_OVERDUE');
      if (!this.#stopped) this.#cancelWatch = this.#watch();
    });
  }

  /**
   * The tree to prove an entry in: where the peer has cosigned one that has it, that one. Should the signing key be revoked meanwhile, the
   * peer believes what it saw before, and it can tell by no other tree.
   */
  async #provingSize(index: number): Promise<number | undefined> {
    this.#witnessedSize ??= this.#context.store
      .get(keys.cosigned(this.#link.peer))
      .then((bytes) => (bytes === undefined ? 0 : decodeRecord<CosignedRecord>(bytes).size));
    const size = await this.#witnessedSize;
    return index < size ? size : undefined;
  }
}

/** What waits for a receipt from one peer. */
export interface Backlog {
  readonly count: number;
  readonly oldest: Uuid | undefined;
  /** How many are before the number that was asked about. */
  readonly ahead: number;
}

/** What is waiting for a receipt from a peer. */
export async function backlogOf(context: ExchangeContext, peer: JurisdictionCode, seq = Infinity): Promise<Backlog> {
  let [count, ahead] = [0, 0];
  let oldest: Uuid | undefined;
  for await (const [key, id] of context.store.scan(keys.pendingOf(peer))) {
    oldest ??= parseUtf8(id) as Uuid;
    count++;
    if (parseDecimalKey(key) < seq) ahead++;
  }
  return { count, oldest, ahead };
}

/** When the oldest message that waits for a receipt from a peer was made, in Unix milliseconds. */
export async function waitingSince(context: ExchangeContext, peer: JurisdictionCode): Promise<number | undefined> {
  for await (const [, id] of context.store.scan(keys.pendingOf(peer), { limit: 1 }))
    return uuidTimeMs(parseUtf8(id) as Uuid);
  return undefined;
}
