/** What a ledger is made of, takes and gives. */
import type { Failpoint, Files, Timers } from '../base/mod.ts';
import type { Receipt } from '../wire/mod.ts';
import type { SignEd25519 } from './note.ts';
import type { LedgerStorage } from './storage.ts';
import type { VerifierKey } from './verifier-key.ts';

/** A key that signs checkpoints. */
export interface LedgerSigner {
  /** As the manifest lists it; its name is the ledger's origin in its first epoch. */
  readonly key: VerifierKey;
  readonly sign: SignEd25519;
}

/** What a ledger is made of. */
export interface LedgerOptions extends LedgerSigner {
  readonly storage: LedgerStorage;
  /** Keys that this one was, or is to be, replaced with. The store knows which of all signs. */
  readonly successors?: readonly LedgerSigner[];
  /** File of the head record outside the store. */
  readonly headFile: string;
  /** Folder of the tlog-tiles files. */
  readonly folder: string;
  /** Told when files could not be published, or had been changed and were written again; the ledger itself is unharmed. */
  readonly onPublishError: (error: unknown) => void;
  /** Where `headFile` and `folder` are; the machine's own disk by default. */
  readonly files?: Files | undefined;
  /** When the head record is flushed; the machine's own timers by default. */
  readonly timers?: Timers | undefined;
  readonly failpoint?: Failpoint | undefined;
  /** Entries from which on a second thread hashes when the ledger is opened; 100,000 by default. */
  readonly threadFrom?: number | undefined;
  /** Told of every append that is done. */
  readonly onAppend?: ((report: AppendReport) => void) | undefined;
}

/** How long one append took, in milliseconds. */
export interface AppendReport {
  readonly entries: number;
  /** The synced batch in the store. */
  readonly storeMs: number;
  /** Writing the head outside it. */
  readonly headMs: number;
  readonly totalMs: number;
}

/** Writes that belong to the entries of a batch. */
export interface LedgerWrites {
  readonly puts: readonly (readonly [key: string, value: Uint8Array])[];
  readonly deletes: readonly string[];
}

/** An entry with its proof, once it is in the ledger, on disk and under a signed checkpoint. Only this room makes one. */
export type Receipted = Receipt & { readonly [receipted]: true };

declare const receipted: unique symbol;
