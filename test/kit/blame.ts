/** Between nodes that keep the protocol no session ends because of what the other side did: every test with nodes of its own sees to that. */
import { onTestFinished } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { CloseReason } from '../../src/exchange/mod.ts';
import { FederationSession } from '../../src/transport/federation-session.ts';

// Silence, the ends of a membership and what differs in manifests have causes of which neither side is one.
const BLAMES: ReadonlySet<CloseReason> = new Set([
  'FRAME_INVALID',
  'HELLO_EXPECTED',
  'HELLO_DISAGREES',
  'CHECKPOINT_INVALID',
  'LEDGER_CONTRADICTION',
  'ENVELOPE_MISMATCH',
  'PROOF_INVALID',
  'SEQUENCE_GAP',
  'DELIVERY_CONTRADICTION',
  'CREDIT_EXCEEDED',
  'RECEIPT_INVALID',
  'RECEIPT_OVERDUE',
  'COSIGNATURE_INVALID',
  'EPOCH_INVALID',
  'EVIDENCE_RECEIPT_INVALID',
]);

const seen: { readonly peer: JurisdictionCode; readonly reason: CloseReason }[] = [];
const excused = new Set<string>();
let isWatching = false;

const { close } = Object.getOwnPropertyDescriptors(FederationSession.prototype);
const closed = new WeakSet<FederationSession>();
FederationSession.prototype.close = function (this: FederationSession, reason: CloseReason): void {
  // What is said of a session that is over already is said to nobody.
  if (!closed.has(this) && BLAMES.has(reason)) seen.push({ peer: this.peer, reason });
  closed.add(this);
  close.value!.call(this, reason);
};

/** For what a node that wrote this log has shown its peers out, or they it. */
export function blamesIn(log: string): string[] {
  const ends = log.split('\n').filter((line) => line.includes('"event":"transport.disconnected"'));
  const reasons = ends.map((line) => /"detail":"([A-Z_]+)"/.exec(line)?.[1]);
  return reasons.filter((reason) => reason !== undefined && BLAMES.has(reason as CloseReason)) as string[];
}

/** In this test the member does not keep the protocol, or nodes are brought to blame each other for this. */
export function expectBlame(...of: readonly (JurisdictionCode | CloseReason)[]): void {
  for (const one of of) excused.add(one);
}

/** Fails the test that is running if one of its nodes blames a peer, once they have stopped: what was asked to be done first is done last. */
export function watchBlame(): void {
  if (isWatching) return;
  isWatching = true;
  onTestFinished(() => {
    isWatching = false;
    const unexpected = seen.splice(0).filter(({ peer, reason }) => !excused.has(peer) && !excused.has(reason));
    excused.clear();
    if (unexpected.length > 0)
      throw new Error(unexpected.map(({ peer, reason }) => `${peer} is shown out for ${reason}`).join('; '));
  });
}
