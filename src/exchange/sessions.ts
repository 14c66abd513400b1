/** The sessions of this node, one a peer at most, and how far deliveries to each peer have come. */
import { codeOf, type JurisdictionCode } from '../base/mod.ts';
import { Attempts } from './attempts.ts';
import type { CloseReason } from './close-code.ts';
import type { ExchangeContext } from './context.ts';
import type { ResumeNeed } from './hello.ts';
import type { LinkHandler, PeerLink } from './link.ts';
import { Session } from './session.ts';

/** What sessions are made with. */
export interface SessionsOptions {
  /** Asked for when it is needed: the context tells the sessions of what happens, and they work with it. */
  readonly context: () => ExchangeContext;
  readonly witnessIntervalMs: number;
  readonly onFatal: (error: unknown) => void;
}

/** Opens sessions, wakes them, and ends them all. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #open = new Map<JurisdictionCode, Session>();
  readonly #attempts = new Map<JurisdictionCode, Attempts>();
  // By what the last Hello said: a session that is attached begins with it.
  readonly #needs = new Map<JurisdictionCode, ResumeNeed>();
  readonly #stopping = new Set<Promise<void>>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** What has to be settled with a peer before the next session exchanges anything. */
  expect(peer: JurisdictionCode, need: ResumeNeed): void {
    this.#needs.set(peer, need);
  }

  /** Starts exchanging over a session whose Hellos agreed. */
  attach(link: PeerLink): LinkHandler {
    const { context, witnessIntervalMs, onFatal } = this.#options;
    const { peer } = link;
    const session = new Session({
      context: context(),
      link,
      attempts: this.attemptsOf(peer),
      witnessIntervalMs,
      resume: this.#needs.get(peer) ?? { theirs: false },
      onFatal,
      onAnnounced: () => {
        this.#open.get(peer)?.fetchEvidence();
      },
      after: this.#open.get(peer)?.stop(),
      onClose: (stopped) => {
        if (this.#open.get(peer) === session) this.#open.delete(peer);
        this.#settle(peer, stopped);
      },
    });
    this.#open.set(peer, session);
    session.begin();
    return session;
  }

  /** Something waits for the peer. */
  wake(peer: JurisdictionCode): void {
    this.#open.get(peer)?.wake();
  }

  /** The own ledger has grown: what waited for its checkpoint can leave, and witnesses are to cosign it. */
  announceGrowth(): void {
    for (const session of this.#open.values()) {
      session.wake();
      session.offerCheckpoint();
    }
  }

  /** @see Session.waitOf */
  waitOf(peer: JurisdictionCode, seq: number): ReturnType<Session['waitOf']> {
    return this.#open.get(peer)?.waitOf(seq);
  }

  /** Ends every session for a reason; each comes back by itself. */
  closeAll(reason: CloseReason): void {
    for (const session of this.#open.values()) session.close(reason);
  }

  /** Resolves when nothing of any session is at work, and how far each came is written down. */
  async stop(): Promise<void> {
    for (const [peer, session] of this.#open) {
      this.#open.delete(peer);
      this.#settle(peer, session.stop());
    }
    await Promise.all(this.#stopping);
  }

  /** How far deliveries to a peer have come. */
  attemptsOf(peer: JurisdictionCode): Attempts {
    const attempts = this.#attempts.get(peer) ?? new Attempts(this.#options.context(), peer);
    this.#attempts.set(peer, attempts);
    return attempts;
  }

  /** Once nothing of the peer's last session is at work, how far it came is written down. */
  #settle(peer: JurisdictionCode, stopped: Promise<void>): void {
    const settling = stopped
      .then(() => (this.#open.has(peer) ? undefined : this.attemptsOf(peer).settle()))
      .catch((error: unknown) => {
        // The committer has told of its own failure.
        if (codeOf(error) !== 'EXCHANGE_STOPPED') this.#options.onFatal(error);
      })
      .finally(() => this.#stopping.delete(settling));
    this.#stopping.add(settling);
  }
}
