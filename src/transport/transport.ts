import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { isoTime, noFailpoint, systemTimers, type JurisdictionCode, type Timers, type Verdict } from '../base/mod.ts';
import { CLOSE_CODES } from '../exchange/mod.ts';
import {
  certificatesOf,
  clientTlsOptions,
  memberByCode,
  serverTlsOptions,
  verifyPeerCertificate,
  type TlsKey,
} from '../trust/mod.ts';
import { Dialler } from './dialler.ts';
import { FederationSession, type SessionEnd } from './federation-session.ts';
import { Listener, type AcceptSocket } from './listener.ts';
import type { PeerConnection, TransportOptions } from './transport-options.ts';
import { SESSION_TIMES, type SessionTimes } from './wire-options.ts';

interface Live {
  readonly session: FederationSession;
  readonly since: number;
}

// Two cross when both sides dial, and two more when both dial again; a member that opens ever more is not to use up the node's sockets.
const MAX_SESSIONS_OF_ONE_PEER = 8;
// Closed because of what a peer did: it will do it again, so the waits go on growing as if it had not been reached.
const QUARRELS: ReadonlySet<number> = new Set([
  CLOSE_CODES.ENVELOPE_MISMATCH,
  CLOSE_CODES.PROOF_INVALID,
  CLOSE_CODES.SEQUENCE_GAP,
  CLOSE_CODES.DELIVERY_CONTRADICTION,
  CLOSE_CODES.CREDIT_EXCEEDED,
  CLOSE_CODES.RECEIPT_INVALID,
  CLOSE_CODES.RECEIPT_OVERDUE,
  CLOSE_CODES.COSIGNATURE_INVALID,
]);

/** All connections of a node: it listens, dials every member that has an endpoint, and keeps one session a peer. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #times: SessionTimes;
  readonly #diallers = new Map<JurisdictionCode, Dialler>();
  readonly #sessions = new Set<FederationSession>();
  /** The certificate of each session's peer, and those above it: Node forgets the chain after the handshake. */
  readonly #certificates = new WeakMap<FederationSession, readonly X509Certificate[]>();
  readonly #live = new Map<JurisdictionCode, Live>();
  // Kept after a session: whoever asks why a peer is gone wants to know what it was like.
  readonly #shown = new Map<JurisdictionCode, { readonly clockOffsetMs: number; readonly expiresAt?: number }>();
  readonly #failures = new Map<JurisdictionCode, { readonly detail: string; readonly at: number }>();
  readonly #timers: Timers;
  #listener: Listener | undefined;
  #cancelRecheck: (() => void) | undefined;
  #stopped = false;

  private constructor(options: TransportOptions) {
    this.#options = options;
    this.#times = options.times ?? SESSION_TIMES;
    this.#timers = options.timers ?? systemTimers;
  }

  /** @throws {TransportError} TRANSPORT_LISTEN_FAILED */
  static async open(options: TransportOptions): Promise<Transport> {
    const transport = new Transport(options);
    const { listen, tlsKeys, exchange } = options;
    if (listen !== undefined) {
      transport.#listener = await Listener.open({
        ...listen,
        tls: serverTlsOptions(tlsKeys()[0], exchange.manifest),
        verifyPeer: (socket) => transport.#verifyPeer(socket),
        prepare: (peer) => transport.#prepare(peer, peer),
        hasRoomFor: (peer) =>
          [...transport.#sessions].filter((session) => session.peer === peer).length < MAX_SESSIONS_OF_ONE_PEER,
        onRefused: (detail) => {
          options.onEvent({ kind: 'CONNECTION_REFUSED', detail });
        },
      });
    }
    transport.#dialMembers();
    transport.#recheckLater();
    return transport;
  }

  /** The port that is listened on; 0 when there is none. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** How things stand with every other active member. */
  connections(): PeerConnection[] {
    const others = this.#options.exchange.manifest.members.filter(
      ({ code, status }) => code !== this.#options.code && status === 'ACTIVE',
    );
    return others.map(({ code, endpoint }) => {
      const live = this.#live.get(code);
      const failure = this.#failures.get(code);
      const next = this.#diallers.get(code)?.nextAttemptAt;
      const shown = this.#shown.get(code);
      return {
        code,
        endpoint,
        connected: live !== undefined,
        ...(live === undefined
          ? {}
          : {
              since: isoTime(live.since),
              dialled_by: live.session.dialledBy,
            }),
        ...(shown === undefined ? {} : { clock_offset_ms: shown.clockOffsetMs }),
        ...(shown?.expiresAt === undefined ? {} : { certificate_expires_at: isoTime(shown.expiresAt) }),
        ...(failure === undefined ? {} : { last_failure: failure.detail, last_failure_at: isoTime(failure.at) }),
        ...(next === undefined || live !== undefined ? {} : { next_attempt_at: isoTime(next) }),
      };
    });
  }

  /** The certificates that connected peers have presented. */
  peerCertificates(): { readonly owner: JurisdictionCode; readonly certificate: X509Certificate }[] {
    return [...this.#live].flatMap(([owner, { session }]) => {
      const certificate = this.#certificates.get(session)?.[0];
      return certificate === undefined ? [] : [{ owner, certificate }];
    });
  }

  /** Presents another key or certificate from now on. Sessions that are open come back under it, so that none outlives what it was opened with. */
  certificateChanged(): void {
    this.#setServerTls();
    for (const session of this.#sessions) session.close('CERTIFICATE_CHANGED');
  }

  /** Applies a manifest that has come into force: other certificates, other endpoints, other members. */
  manifestChanged(): void {
    this.#setServerTls();
    this.#closeUntrusted();
    // One that is not open yet may have said Hello under the former manifest, and the two would not be of one mind about what comes next.
    for (const session of this.#sessions) session.close('MANIFEST_UPDATED');
    this.#dialMembers();
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.#cancelRecheck?.();
    for (const dialler of this.#diallers.values()) dialler.stop();
    for (const session of this.#sessions) session.close('GOING_AWAY');
    await Promise.all([...this.#sessions].map((session) => session.ended));
    await this.#listener?.close();
  }

  #setServerTls(): void {
    this.#listener?.setTls(serverTlsOptions(this.#options.tlsKeys()[0], this.#options.exchange.manifest));
  }

  /** False where another key or certificate has come since the handshake: nobody else would tell a session that was not open yet. */
  #isPresented(tls: TLSSocket): boolean {
    const own = tls.getX509Certificate()?.fingerprint256;
    const isOwn = ({ certificate }: TlsKey): boolean => new X509Certificate(certificate).fingerprint256 === own;
    return own === undefined || this.#options.tlsKeys().some(isOwn);
  }

  /** In turn those that are valid, so that a peer that has missed the manifest of a new key can be told of it. */
  #tlsKeyFor(failedDials: number): TlsKey {
    const keys = this.#options.tlsKeys();
    return keys[failedDials % keys.length] ?? keys[0];
  }

  #dialMembers(): void {
    const { exchange, code: own, clock } = this.#options;
    for (const { code } of exchange.manifest.members) {
      if (code === own) continue;
      const existing = this.#diallers.get(code);
      if (existing !== undefined) {
        if (!this.#live.has(code)) existing.retry();
        continue;
      }
      const dialler = new Dialler({
        endpoint: () => {
          const member = memberByCode(exchange.manifest, code);
          return member?.status === 'ACTIVE' && member.endpoint !== '' ? member.endpoint : undefined;
        },
        tls: (failedDials) =>
          clientTlsOptions(
            this.#tlsKeyFor(failedDials),
            () => exchange.manifest,
            code,
            () => clock.nowMs(),
          ),
        isConnected: () => this.#live.has(code),
        prepare: () => this.#prepare(code, own),
        onFailure: (detail) => {
          this.#failures.set(code, { detail, at: clock.nowMs() });
          this.#options.onEvent({ kind: 'DIAL_FAILED', peer: code, detail });
        },
        times: this.#times,
        // The session dialled by the lower code would stay anyway.
        firstDelayMs: own < code ? 0 : this.#times.minReconnectMs,
        random: Math.random,
      });
      this.#diallers.set(code, dialler);
    }
  }

  #verifyPeer(socket: TLSSocket): Verdict<JurisdictionCode> {
    const [certificate, ...chain] = certificatesOf(socket.getPeerCertificate(true));
    const verdict = verifyPeerCertificate(
      certificate,
      this.#options.exchange.manifest,
      this.#options.clock.nowMs(),
      chain,
    );
    return verdict.ok && verdict.value === this.#options.code
      ? { ok: false, reason: 'CERTIFICATE_NOT_A_MEMBER', detail: 'this node itself' }
      : verdict;
  }

  async #prepare(peer: JurisdictionCode, dialledBy: JurisdictionCode): Promise<AcceptSocket> {
    const seenBefore = await this.#options.exchange.seenCheckpoint(peer);
    return (socket, tls) => {
      const session = new FederationSession({
        socket,
        tls,
        exchange: this.#options.exchange,
        peer,
        dialledBy,
        seenBefore,
        times: this.#times,
        clock: this.#options.clock,
        timers: this.#timers,
        failpoint: this.#options.failpoint ?? noFailpoint,
        onReady: (ready) => this.#onReady(ready),
        onManifest: () => {
          this.manifestChanged();
        },
        onEnd: (ended, end) => {
          this.#onEnd(ended, end);
        },
      });
      this.#certificates.set(session, certificatesOf(tls.getPeerCertificate(true)));
      this.#sessions.add(session);
      session.start();
      if (this.#stopped) session.close('GOING_AWAY');
      else if (!this.#isPresented(tls)) session.close('CERTIFICATE_CHANGED');
    };
  }

  /** Of two sessions with one peer the one dialled by the lower code stays; of two dialled by the same side, the newer. */
  #onReady(session: FederationSession): boolean {
    const { peer } = session;
    const lower = peer < this.#options.code ? peer : this.#options.code;
    const current = this.#live.get(peer);
    if (current?.session.dialledBy === lower && session.dialledBy !== lower) return false;
    this.#live.set(peer, { session, since: this.#options.clock.nowMs() });
    const certificate = this.#certificates.get(session)?.[0];
    this.#shown.set(peer, {
      clockOffsetMs: session.clockOffsetMs,
      ...(certificate === undefined ? {} : { expiresAt: Date.parse(certificate.validTo) }),
    });
    current?.session.close('SESSION_DUPLICATE');
    this.#options.onEvent({ kind: 'CONNECTED', peer, detail: `dialled by ${session.dialledBy}` });
    return true;
  }

  #onEnd(session: FederationSession, { code, reason }: SessionEnd): void {
    const { peer } = session;
    this.#sessions.delete(session);
    const current = this.#live.get(peer);
    if (current !== undefined && current.session !== session) return;
    this.#live.delete(peer);
    const detail = reason === '' ? `closed with ${code}` : reason;
    this.#failures.set(peer, { detail, at: this.#options.clock.nowMs() });
    if (current !== undefined && !QUARRELS.has(code)) this.#diallers.get(peer)?.succeeded();
    if (current !== undefined) this.#options.onEvent({ kind: 'DISCONNECTED', peer, detail });
    if (!this.#stopped) this.#diallers.get(peer)?.retry();
  }

  /** A key may end at a moment that the manifest names, and no event tells of it. */
  #recheckLater(): void {
    this.#cancelRecheck = this.#timers.after(this.#times.recheckMs, () => {
      this.#closeUntrusted();
      this.#recheckLater();
    });
  }

  #closeUntrusted(): void {
    const { exchange, clock } = this.#options;
    for (const session of this.#sessions) {
      const [certificate, ...chain] = this.#certificates.get(session) ?? [];
      const verdict = verifyPeerCertificate(certificate, exchange.manifest, clock.nowMs(), chain);
      if (!verdict.ok || verdict.value !== session.peer) session.close('NOT_A_MEMBER');
    }
  }
}
