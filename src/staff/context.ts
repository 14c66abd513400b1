import type { Clock, JurisdictionCode, Uuid } from '../base/mod.ts';
import type { Exchange, StepView } from '../exchange/mod.ts';
import type { Ledger } from '../ledger/mod.ts';
import type { Store } from '../store/mod.ts';

/** What every part of this room works with. */
export interface StaffContext {
  readonly code: JurisdictionCode;
  /** Name of the node's ledger: credentials are good at the node that issued them. */
  readonly origin: string;
  readonly store: Pick<Store, 'get' | 'scan'>;
  readonly ledger: Pick<Ledger, 'entry' | 'size'>;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Runs a step in one batch with its ledger entries. */
  readonly commit: <T>(plan: (view: StepView) => Promise<T>) => Promise<T>;
  /** The case under which another was opened. */
  readonly parentOf: (id: Uuid) => Promise<Uuid | undefined>;
}

/** What the work on cases needs beside it: a node that runs. */
export interface DeskContext extends StaffContext {
  readonly exchange: Exchange;
}
