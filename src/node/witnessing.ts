/** How far a node's witness policy is met: k of its n peers have to vouch for what its ledger says. */
import { counted, isoTime } from '../base/mod.ts';
import { parseLedgerEntry } from '../wire/mod.ts';
import type { Node } from './node.ts';

/** What peers vouch for. */
export interface Witnessing {
  /** k: so many peers have to vouch. */
  readonly threshold: number;
  /** n: peers that can. */
  readonly peers: number;
  /** Entries that k of them vouch for. */
  readonly witnessed: number;
  /** Entries that they should vouch for by now: those about witnessing at the end ask for nobody's word. */
  readonly entries: number;
  /** When the oldest entry that is not vouched for was made, ISO 8601. */
  readonly unwitnessed_since?: string;
}

/** The same in words. */
export function witnessingText({ threshold, peers, witnessed, entries, unwitnessed_since: since }: Witnessing): string {
  if (peers === 0) return 'no other member could vouch for this ledger';
  // Who cosigned what a witnessing ends with vouches for more than has to be vouched for.
  const share = `${Math.min(witnessed, entries)} of ${counted(entries, 'entry', 'entries')}`;
  const rest = since === undefined ? '' : `; the next one is of ${since}`;
  return `${share} ${entries === 1 ? 'is' : 'are'} vouched for by at least ${threshold} of ${counted(peers, 'peer')}${rest}`;
}

/** The largest size for which enough peers vouch: who cosigned a larger ledger vouches for the smaller ones that it continues. */
export async function witnessingOf({ config, exchange, storage }: Node): Promise<Witnessing> {
  const { members } = exchange.manifest;
  const active = new Set(
    members.filter(({ code, status }) => status === 'ACTIVE' && code !== config.code).map(({ code }) => code),
  );
  const threshold = config.witnessThreshold ?? Math.floor(active.size / 2) + 1;
  const cosignatures = await exchange.cosignatures();
  const sizes = cosignatures.filter(({ peer }) => active.has(peer)).map(({ size }) => size);
  const witnessed = sizes.sort((a, b) => b - a)[threshold - 1] ?? 0;
  const entries = exchange.grownTo;
  if (witnessed >= entries) return { threshold, peers: active.size, witnessed, entries };
  const { time } = parseLedgerEntry(await storage.ledger.entry(witnessed));
  return { threshold, peers: active.size, witnessed, entries, unwitnessed_since: isoTime(time) };
}
