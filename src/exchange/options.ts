import type { Clock, Failpoint, JurisdictionCode, Timers } from '../base/mod.ts';
import type { ClockRules, RefusalRules } from '../casework/mod.ts';
import type { Vault } from '../evidence/mod.ts';
import type { Ledger, SignEd25519, VerifierKey } from '../ledger/mod.ts';
import type { DecryptionKey, SigningKey } from '../sealing/mod.ts';
import type { Store } from '../store/mod.ts';
import type { VerifiedManifest } from '../trust/mod.ts';
import type { Limits } from '../wire/mod.ts';
import type { BatchReport } from './committer.ts';
import type { EvidenceAcceptance } from './evidence-steps.ts';
import type { QueryLimits } from './query-rate.ts';

/** The witness's key and how it signs. */
export interface WitnessSigner {
  readonly key: VerifierKey;
  readonly sign: SignEd25519;
}

/** What an exchange is made of. */
export interface ExchangeOptions {
  readonly code: JurisdictionCode;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly manifest: VerifiedManifest;
  /** The key that messages are signed with now. */
  readonly signKey: () => SigningKey;
  /** The private encryption key that a `kid` names, if this node holds it. */
  readonly decryptKey: (kid: string) => DecryptionKey | undefined;
  readonly limits: Limits;
  /** How much a peer may ask by hit/no-hit queries. */
  readonly queryLimits?: QueryLimits | undefined;
  /** Whether what may not be kept any longer is erased without a person. */
  readonly erasesAutomatically?: boolean | undefined;
  /** Grounds of refusal that treaties bar; none without. */
  readonly refusalRules?: RefusalRules | undefined;
  /** Clocks that treaties set for a case; none without. */
  readonly clockRules?: ClockRules | undefined;
  readonly clock: Clock;
  readonly timers?: Timers | undefined;
  readonly failpoint?: Failpoint | undefined;
  /** Cosigns peers' checkpoints. */
  readonly witness: () => WitnessSigner;
  /** Least time between two offers of this node's checkpoint to one peer; 10 s by default. */
  readonly witnessIntervalMs?: number | undefined;
  /** Files of evidence; left out at a node that keeps none. */
  readonly evidence?: { readonly vault: Vault; readonly acceptance: EvidenceAcceptance } | undefined;
  /** Told when a newer manifest has come into force. */
  readonly onManifest?: () => void;
  /** Told once when the process must end: a write failed, or a peer proved that the store is not the right one. */
  readonly onFatal: (error: unknown) => void;
  /** Told of every batch that is durable. */
  readonly onBatch?: ((report: BatchReport) => void) | undefined;
}
