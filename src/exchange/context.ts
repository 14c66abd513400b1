/** What every part of the exchange works with, made once of what it is given. */
import { noFailpoint, randomFew, systemTimers, type Failpoint, type Timers, type VerifyEd25519 } from '../base/mod.ts';
import { NO_CLOCK_RULES, NO_REFUSAL_RULES, type ClockRules, type RefusalRules } from '../casework/mod.ts';
import { VerifiedCustody, type Vault } from '../evidence/mod.ts';
import { InclusionVerifier } from '../ledger/mod.ts';
import { createCheckpointVerify } from './checkpoint-verify.ts';
import { Committer } from './committer.ts';
import { Directory } from './directory.ts';
import type { ExchangeListener } from './event.ts';
import { Transfers } from './evidence-progress.ts';
import type { EvidenceAcceptance } from './evidence-steps.ts';
import { EvidenceVerifier } from './evidence-verify.ts';
import { IncidentPace } from './incident.ts';
import type { ExchangeOptions } from './options.ts';
import type { RecentRecords } from './recent-records.ts';
import { QUERY_LIMITS, type QueryLimits } from './query-rate.ts';
import { SealingAhead } from './sealing-ahead.ts';
import { Turns } from './turns.ts';

/** What evidence needs at a node. */
export interface EvidenceContext {
  readonly vault: Vault;
  readonly acceptance: EvidenceAcceptance;
  readonly verifier: EvidenceVerifier;
  readonly transfers: Transfers;
}

type Given = 'code' | 'store' | 'ledger' | 'clock' | 'signKey' | 'decryptKey' | 'limits' | 'witness';

/** What every part of the exchange works with; built once by `Exchange`. */
export interface ExchangeContext extends Pick<ExchangeOptions, Given> {
  readonly committer: Committer;
  /** What the store holds, with what was committed last at hand. */
  readonly records: RecentRecords;
  readonly directory: Directory;
  readonly timers: Timers;
  /** Shares the work of opening and verifying between peers. */
  readonly turns: Turns;
  readonly sealing: SealingAhead;
  readonly incidentPace: IncidentPace;
  readonly failpoint: Failpoint;
  /** How much a peer may ask by hit/no-hit queries. */
  readonly queryLimits: QueryLimits;
  /** Grounds of refusal that treaties bar. */
  readonly refusalRules: RefusalRules;
  /** Clocks that treaties set for a case. */
  readonly clockRules: ClockRules;
  readonly random: (bytes: number) => Uint8Array;
  readonly verifyCheckpoint: VerifyEd25519;
  /** What peers prove to be in their ledgers. */
  readonly inclusions: InclusionVerifier;
  readonly verifiedCustody: VerifiedCustody;
  readonly emit: ExchangeListener;
  /** Absent at a node that takes no files. */
  readonly evidence?: EvidenceContext | undefined;
}

/** Whom the parts of the exchange tell. */
export interface ContextListeners {
  /** The ledger has grown by what witnesses should hear of. */
  readonly onGrowth: () => void;
  readonly emit: ExchangeListener;
}

/** What is given, defaults for what is not, and the parts that all others share. */
export function makeContext(options: ExchangeOptions, { onGrowth, emit }: ContextListeners): ExchangeContext {
  const { code, store, ledger, clock, signKey, decryptKey, limits, witness, onBatch, onFatal } = options;
  const { timers = systemTimers, failpoint = noFailpoint } = options;
  const verifyCheckpoint = createCheckpointVerify();
  const evidence = options.evidence && {
    ...options.evidence,
    verifier: new EvidenceVerifier({ context: () => context, vault: options.evidence.vault, onFailure: onFatal }),
    transfers: new Transfers(timers),
  };
  const committer = new Committer({ store, ledger, clock, timers, onFailure: onFatal, onBatch, onGrowth, failpoint });
  const context: ExchangeContext = {
    code,
    store,
    ledger,
    clock,
    signKey,
    decryptKey,
    limits,
    witness,
    timers,
    failpoint,
    committer,
    records: committer.records,
    directory: new Directory(options.manifest),
    turns: new Turns(),
    sealing: new SealingAhead(),
    incidentPace: new IncidentPace(),
    queryLimits: options.queryLimits ?? QUERY_LIMITS,
    refusalRules: options.refusalRules ?? NO_REFUSAL_RULES,
    clockRules: options.clockRules ?? NO_CLOCK_RULES,
    random: randomFew,
    verifyCheckpoint,
    inclusions: new InclusionVerifier(verifyCheckpoint),
    verifiedCustody: new VerifiedCustody(),
    evidence,
    emit,
  };
  return context;
}
