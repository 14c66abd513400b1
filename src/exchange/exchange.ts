import { accept, codeOf, parseUtf8, type JurisdictionCode, type Uuid, type Verdict } from '../base/mod.ts';
import type { Statistics } from '../casework/mod.ts';
import { LedgerError, type Checkpoint, type LedgerSigner } from '../ledger/mod.ts';
import type { KeyUse, Manifest, ManifestRefusal, VerifiedManifest } from '../trust/mod.ts';
import type { Draft, Hello } from '../wire/mod.ts';
import {
  countCases,
  listClockEvents,
  listClocks,
  noteClocks,
  type ClockView,
  type NotedClockEvent,
} from './case-clocks.ts';
import type { StepView } from './committer.ts';
import { makeContext, type ExchangeContext } from './context.ts';
import { backlogOf, waitingSince, type Backlog } from './delivery.ts';
import { queryRate, type QueryRate } from './query-rate.ts';
import type { ExchangeListener } from './event.ts';
import type { ExchangeOptions } from './options.ts';
import { EvidenceDesk } from './evidence-desk.ts';
import { makeHello, seenCheckpoint, verifyHello, type HelloAgreement } from './hello.ts';
import type { CloseReason } from './close-code.ts';
import { giveUpExpired, withdrawMessage } from './giving-up.ts';
import type { IdempotencyKey } from './idempotency.ts';
import { listIncidents, type IncidentRecord } from './incident.ts';
import type { LinkHandler, PeerLink } from './link.ts';
import { planManifest, takeManifest } from './manifest-update.ts';
import { queueMessage, type AlsoSent, type Drafting, type Queued } from './outbox.ts';
import { noteSettled } from './settled.ts';
import { recordOwnKeys, type OwnKey } from './own-key.ts';
import {
  findMessage,
  listCases,
  listMessages,
  showMessage,
  timelineOf,
  type CaseView,
  type MessageDetail,
  type MessageFilter,
  type TimelineEntry,
} from './query.ts';
import { keys, type MessageRecord } from './record.ts';
import { ProtectionDesk } from './protection-desk.ts';
import { Round } from './round.ts';
import { Sessions } from './sessions.ts';
import { cosignaturesOf, publishCosignatures } from './witness.ts';

// Often enough to notice a rewritten history the same day, seldom enough to cost nothing.
const WITNESS_INTERVAL_MS = 10_000;
const EXPIRY_INTERVAL_MS = 60_000;
// Clocks run for days: a look through all cases every ten minutes notices soon enough what is overdue.
const CLOCK_INTERVAL_MS = 600_000;
const CLOCK_START_MS = 1_000;

/** The exchange of messages with all peers: what is queued, what arrives, and the receipts of both. */
export class Exchange {
  readonly #context: ExchangeContext;
  readonly #listeners = new Set<ExchangeListener>();
  readonly #sessions: Sessions;
  readonly #onFatal: (error: unknown) => void;
  readonly #rounds: readonly Round[];
  #isClosing = false;
  readonly #onManifest: () => void;
  readonly #erasesAutomatically: boolean;

  constructor(options: ExchangeOptions) {
    this.#onFatal = options.onFatal;
    this.#erasesAutomatically = options.erasesAutomatically ?? false;
    this.#onManifest = options.onManifest ?? (() => undefined);
    this.#sessions = new Sessions({
      context: () => this.#context,
      witnessIntervalMs: options.witnessIntervalMs ?? WITNESS_INTERVAL_MS,
      onFatal: options.onFatal,
    });
    this.#context = makeContext(options, {
      onGrowth: () => {
        this.#sessions.announceGrowth();
      },
      emit: (event) => {
        for (const listener of this.#listeners) listener(event);
      },
    });
    const { timers } = this.#context;
    const every = (intervalMs: number, firstAfterMs: number, act: () => Promise<void>): Round =>
      new Round({
        timers,
        intervalMs,
        firstAfterMs,
        act,
        onFailure: (error) => {
          this.#failed(error);
        },
      });
    this.#rounds = [
      every(EXPIRY_INTERVAL_MS, 0, () => this.#giveUpExpired()),
      ...(options.clockRules === undefined ? [] : [every(CLOCK_INTERVAL_MS, CLOCK_START_MS, () => this.#noteClocks())]),
    ];
  }

  get manifest(): Manifest {
    return this.#context.directory.manifest;
  }

  /** SHA-256 of the manifest in force, in hexadecimal. */
  get manifestFingerprint(): string {
    return this.#context.directory.fingerprint;
  }

  /** Calls the listener for every event from now on; the returned function ends it. */
  subscribe(listener: ExchangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Checks, signs, seals and queues one message; it is on disk and in the ledger when this resolves.
   * @param also what else belongs into the same batch
   * @throws {WireError} WIRE_FIELDS_INVALID, WIRE_TOO_LARGE
   * @throws {CaseworkError} CASE_UNKNOWN, CASE_ILLEGAL_STEP, and the more precise refusals of a step
   * @throws {ExchangeError} EXCHANGE_UNKNOWN_RECIPIENT, EXCHANGE_RECIPIENT_INACTIVE, EXCHANGE_NO_KEY, EXCHANGE_TOO_LARGE,
   * EXCHANGE_CASE_REQUIRED, EXCHANGE_RESUME_PENDING, EXCHANGE_STOPPED
   */
  async send(draft: Draft | Drafting, to: JurisdictionCode, also?: AlsoSent): Promise<MessageRecord> {
    const { record } = await queueMessage(this.#context, draft, to, { also });
    this.#sessions.wake(to);
    return record;
  }

  /**
   * Sends one message as `send` does, unless the key has sent it before.
   * @throws {ExchangeError} EXCHANGE_IDEMPOTENCY_KEY_REUSED, and what `send` throws
   */
  async sendOnce(draft: Draft | Drafting, to: JurisdictionCode, key: IdempotencyKey | undefined): Promise<Queued> {
    const queued = await queueMessage(this.#context, draft, to, { key });
    this.#sessions.wake(to);
    return queued;
  }

  /** Runs a step of this node's own people, in one batch with the ledger entries that it appends. @throws {ExchangeError} EXCHANGE_STOPPED */
  commit<T>(plan: (view: StepView) => Promise<T>): Promise<T> {
    return this.#context.committer.commit(plan);
  }

  /**
   * Gives up a message that was never handed to a session, because a person says so.
   * @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE, EXCHANGE_NOT_WITHDRAWABLE, EXCHANGE_STOPPED
   */
  async withdraw(id: Uuid): Promise<MessageRecord> {
    const record = await withdrawMessage(this.#context, id, (peer) => this.#sessions.attemptsOf(peer));
    this.#sessions.wake(record.peer);
    return record;
  }

  /** The message's record once the peer has answered it, or as it is after `timeoutMs`. */
  async answerOf(id: Uuid, timeoutMs: number): Promise<MessageRecord> {
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    const unsubscribe = this.subscribe((event) => {
      if ((event.kind === 'RECEIPT_HELD' || event.kind === 'REFUSAL_HELD') && event.message_id === id) resolve();
    });
    const timer = setTimeout(resolve, timeoutMs);
    // Whoever waits is told nothing more once the node has stopped: that must not keep its process.
    timer.unref();
    try {
      // Subscribed first, so that an answer between the two is not missed.
      const record = await findMessage(this.#context, id);
      if (record.held !== undefined) return record;
      await promise;
      return await findMessage(this.#context, id);
    } finally {
      clearTimeout(timer);
      unsubscribe();
    }
  }

  messages(filter: MessageFilter): Promise<MessageRecord[]> {
    return listMessages(this.#context, filter);
  }

  /** @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE */
  message(id: Uuid): Promise<MessageDetail> {
    return showMessage(this.#context, id);
  }

  timeline(record: MessageRecord): TimelineEntry[] {
    return timelineOf(this.#context, record);
  }

  cases(id?: Uuid): Promise<CaseView[]> {
    return listCases(this.#context, id);
  }

  /** The clocks of all cases, or of one, as they stand at a moment in Unix milliseconds. */
  clocks(atMs: number, id?: Uuid): Promise<ClockView[]> {
    return listClocks(this.#context, atMs, id);
  }

  /** Counts cases: in and out, by partner. */
  statistics(scope: Parameters<typeof countCases>[1]): Promise<Statistics> {
    return countCases(this.#context, scope);
  }

  /** What a peer has asked by hit/no-hit queries lately. */
  queryRate(peer: JurisdictionCode): Promise<QueryRate> {
    return queryRate(this.#context, peer);
  }

  /** Duties that this node has noticed to be overdue. */
  clockEvents(id?: Uuid): Promise<NotedClockEvent[]> {
    return listClockEvents(this.#context, id);
  }

  /** What waits for a receipt from a peer, and how much of it is before the message with this number. */
  backlog(peer: JurisdictionCode, seq?: number): Promise<Backlog> {
    return backlogOf(this.#context, peer, seq);
  }

  /** How long a message has been with a peer unanswered in the session that is open now; undefined while it is not. */
  waitOf(peer: JurisdictionCode, seq: number): ReturnType<Sessions['waitOf']> {
    return this.#sessions.waitOf(peer, seq);
  }

  /** When the oldest message that waits for the peer's receipt was made, in Unix milliseconds. */
  waitingSince(peer: JurisdictionCode): Promise<number | undefined> {
    return waitingSince(this.#context, peer);
  }

  /** The largest head seen of a peer's ledger. */
  seenCheckpoint(peer: JurisdictionCode): Promise<Checkpoint | undefined> {
    return seenCheckpoint(this.#context, peer);
  }

  /** Contradictions by peers, with the evidence. */
  incidents(): Promise<IncidentRecord[]> {
    return listIncidents(this.#context);
  }

  /** Size of the ledger that witnesses should have cosigned. */
  get grownTo(): number {
    return this.#context.committer.grownTo;
  }

  /** What people do with what may not be kept for ever, or not be handed on. */
  get protection(): ProtectionDesk {
    return new ProtectionDesk(this.#context);
  }

  /** What people do with evidence here. */
  get evidence(): EvidenceDesk {
    return new EvidenceDesk(this.#context);
  }

  /** Every peer's last cosignature of this node's ledger. */
  cosignatures(): ReturnType<typeof cosignaturesOf> {
    return cosignaturesOf(this.#context);
  }

  /** Puts the cosignatures held from before beside the published checkpoint. */
  publishCosignatures(): Promise<void> {
    return publishCosignatures(this.#context);
  }

  makeHello(peer: JurisdictionCode): Promise<Hello> {
    return makeHello(this.#context, peer);
  }

  /** Judges a peer's Hello. A head that proves this node's own store wrong is fatal, and refuses the session. */
  async verifyHello(
    peer: JurisdictionCode,
    hello: Hello,
    seenBefore: Checkpoint | undefined,
  ): Promise<Verdict<HelloAgreement, CloseReason>> {
    try {
      const verdict = await verifyHello(this.#context, peer, hello, seenBefore);
      if (!verdict.ok) return verdict;
      const { manifest, resume } = verdict.value;
      this.#sessions.expect(peer, resume);
      // The peer holds no head of an epoch that this ledger has left: there is nothing that it could give back.
      if (manifest === 'SAME' && resume.ours === undefined) await noteSettled(this.#context, peer);
      return accept(manifest);
    } catch (error) {
      this.#onFatal(error);
      return { ok: false, reason: 'NODE_FAILED', detail: 'this node must stop' };
    }
  }

  /** The signed manifest in force. */
  get manifestText(): string {
    return this.#context.directory.text;
  }

  /** The manifest that follows a version, as it travels; undefined when this node began with a later one. */
  async manifestAfter(version: number): Promise<string | undefined> {
    const bytes = await this.#context.store.get(keys.manifest(version + 1));
    return bytes === undefined ? undefined : parseUtf8(bytes);
  }

  /** Records the manifest that a new node starts under. */
  async recordManifest(verified: VerifiedManifest): Promise<void> {
    await this.#context.committer.commit((view) => {
      planManifest(view, verified);
      return Promise.resolve();
    });
  }

  /** Writes down which of its keys the node works with from now on; returns the uses that changed. */
  recordOwnKeys(own: Readonly<Record<KeyUse, OwnKey>>, ledgerSigner: LedgerSigner): Promise<KeyUse[]> {
    return recordOwnKeys(this.#context, own, ledgerSigner);
  }

  /**
   * Puts a newer manifest in force; sessions opened under the old one are closed and come back.
   * @param shownHead the head of this node's own that the peer has shown who brings the manifest; one that proves the store wrong is fatal
   */
  async takeManifest(text: string, shownHead?: string): Promise<Verdict<VerifiedManifest, ManifestRefusal>> {
    const taken = await takeManifest(this.#context, text, shownHead).catch((error: unknown) => {
      if (error instanceof LedgerError) this.#onFatal(error);
      throw error;
    });
    if (!taken.ok) return taken;
    this.#sessions.closeAll('MANIFEST_UPDATED');
    this.#onManifest();
    return taken;
  }

  /** Starts exchanging over a session whose Hellos agreed. */
  attach(link: PeerLink): LinkHandler {
    return this.#sessions.attach(link);
  }

  /** Lets running steps finish and takes nothing more. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#rounds.map((round) => round.stop()));
    await this.#sessions.stop();
    await this.#context.evidence?.verifier.stop();
    await this.#context.committer.close();
  }

  async #giveUpExpired(): Promise<void> {
    const peers = await giveUpExpired(
      this.#context,
      (peer) => this.#sessions.attemptsOf(peer),
      () => this.#isClosing,
    );
    for (const peer of peers) this.#sessions.wake(peer);
  }

  async #noteClocks(): Promise<void> {
    await noteClocks(this.#context, () => this.#isClosing);
    if (this.#erasesAutomatically) await this.protection.eraseEnded(() => this.#isClosing);
  }

  // The committer has told of its own failure.
  #failed(error: unknown): void {
    if (codeOf(error) !== 'EXCHANGE_STOPPED') this.#onFatal(error);
  }
}
