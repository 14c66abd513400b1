import type { Clock, Failpoint, JurisdictionCode, Timers, VerifyEd25519 } from '../base/mod.ts';
import type { ClockRules, RefusalRules } from '../casework/mod.ts';
import type { Ledger, SignEd25519, VerifierKey } from '../ledger/mod.ts';
import type { DecryptionKey, SigningKey } from '../sealing/mod.ts';
import type { Store } from '../store/mod.ts';
import type { Limits } from '../wire/mod.ts';
import type { Vault } from '../evidence/mod.ts';
import type { Committer } from './committer.ts';
import type { Directory } from './directory.ts';
import type { ExchangeListener } from './event.ts';
import type { IncidentPace } from './incident.ts';
import type { QueryLimits } from './query-rate.ts';
import type { Turns } from './turns.ts';
import type { Transfers } from './evidence-progress.ts';
import type { EvidenceAcceptance } from './evidence-steps.ts';
import type { EvidenceVerifier } from './evidence-verify.ts';

/** The witness's key and how it signs. */
export interface WitnessSigner {
  readonly key: VerifierKey;
  readonly sign: SignEd25519;
}

/** What evidence needs at a node. */
export interface EvidenceContext {
  readonly vault: Vault;
  readonly acceptance: EvidenceAcceptance;
  readonly verifier: EvidenceVerifier;
  readonly transfers: Transfers;
}

/** What every part of the exchange works with; built once by `Exchange`. */
export interface ExchangeContext {
  readonly code: JurisdictionCode;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly committer: Committer;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Shares the work of opening and verifying between peers. */
  readonly turns: Turns;
  readonly incidentPace: IncidentPace;
  readonly failpoint: Failpoint;
  /** The key that messages are signed with now. */
  readonly signKey: () => SigningKey;
  /** The private encryption key that a `kid` names, if this node holds it. */
  readonly decryptKey: (kid: string) => DecryptionKey | undefined;
  readonly limits: Limits;
  /** How much a peer may ask by hit/no-hit queries. */
  readonly queryLimits: QueryLimits;
  /** Grounds of refusal that treaties bar. */
  readonly refusalRules: RefusalRules;
  /** Clocks that treaties set for a case. */
  readonly clockRules: ClockRules;
  readonly random: (bytes: number) => Uint8Array;
  readonly verifyCheckpoint: VerifyEd25519;
  /** Cosigns peers' checkpoints. */
  readonly witness: () => WitnessSigner;
  readonly emit: ExchangeListener;
  /** Absent at a node that takes no files. */
  readonly evidence?: EvidenceContext | undefined;
}
