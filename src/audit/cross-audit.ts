/** Holds several nodes' ledgers against each other: what one says it sent, another must say it received, at the same place. */
import { bytesToHex, equalBytes } from '../base/mod.ts';
import { verifyCheckpoint } from '../ledger/mod.ts';
import type { Finding } from './error.ts';
import type { AuditedBundle } from './verify-bundle.ts';

/** How the messages from one node to another fared. */
export interface DirectionReport {
  readonly from: string;
  readonly to: string;
  readonly sent: number;
  readonly received: number;
  readonly refused: number;
  readonly voided: number;
  /** Sent, and no receipt held at the time of the bundle. */
  readonly unanswered: number;
  /** Milliseconds from SENT to RECEIPT_HELD. */
  readonly acknowledged_ms?: { readonly p50: number; readonly p90: number; readonly worst: number };
}

/** Checks every pair of bundles and tells how messages fared in each direction. */
export async function crossAudit(bundles: readonly AuditedBundle[], findings: Finding[]): Promise<DirectionReport[]> {
  checkManifests(bundles, findings);
  const reports: DirectionReport[] = [];
  for (const holder of bundles) {
    for (const other of bundles) {
      if (holder === other) continue;
      if (holder.code === other.code) {
        if (holder.name < other.name) await compareSameLedger(holder, other, findings);
        continue;
      }
      await checkHeld(holder, other, findings);
      await checkWitnessed(holder, other, findings);
      checkCompleteness(holder, other, findings);
      reports.push(direction(holder, other));
    }
  }
  return reports;
}

/** What the holder has proof of must stand in the other's ledger, at that index and under that head. */
async function checkHeld(holder: AuditedBundle, other: AuditedBundle, findings: Finding[]): Promise<void> {
  const checkedHeads = new Map<number, string>();
  let isBehind = false;
  for (const { peer, at, index, leaf, checkpoint } of holder.held) {
    if (peer !== other.code) continue;
    const where = `${holder.name}: entry ${at}`;
    if (checkpoint.size > other.tree.leaves.length) {
      if (!isBehind) {
        const detail = `${other.name} has ${other.tree.leaves.length} entries, but ${holder.code} holds a head of ${checkpoint.size} signed by ${other.code}`;
        findings.push({
          code: 'BUNDLE_BEHIND',
          where,
          detail: `${detail}: entries were removed, or its bundle has to be exported again`,
        });
      }
      isBehind = true;
      continue;
    }
    const root = checkedHeads.get(checkpoint.size) ?? bytesToHex(await other.tree.rootAt(checkpoint.size));
    checkedHeads.set(checkpoint.size, root);
    if (root !== bytesToHex(checkpoint.root)) {
      const detail = `${other.code} signed another history of its first ${checkpoint.size} entries than ${other.name} holds`;
      findings.push({ code: 'LEDGER_FORKED', where, detail });
    } else if (!equalBytes(other.tree.leaves[index]!, leaf)) {
      findings.push({
        code: 'ENTRY_CONTRADICTED',
        where,
        detail: `${other.name} has another entry ${index} than was proved`,
      });
    }
  }
}

/** What the holder cosigned of the other's ledger must be what the other shows. */
async function checkWitnessed(holder: AuditedBundle, other: AuditedBundle, findings: Finding[]): Promise<void> {
  const key = holder.manifests.ledgerKey(other.code);
  for (const [index, { kind, peer, detail }] of holder.chronicle.entries.entries()) {
    if (kind !== 'WITNESSED' || peer !== other.code || detail?.type !== 'witnessed' || key === undefined) continue;
    const where = `${holder.name}: entry ${index}`;
    const head = verifyCheckpoint(detail.value.checkpoint, key);
    if (!head.ok) {
      findings.push({
        code: 'COSIGNATURE_INVALID',
        where,
        detail: `it cosigned a checkpoint that ${other.code} did not sign`,
      });
    } else if (head.value.size > other.tree.leaves.length) {
      const missing = `${other.name} has ${other.tree.leaves.length} entries, but ${holder.code} cosigned a head of ${head.value.size}`;
      findings.push({
        code: 'BUNDLE_BEHIND',
        where,
        detail: `${missing}: entries were removed, or its bundle has to be exported again`,
      });
    } else if (!equalBytes(await other.tree.rootAt(head.value.size), head.value.root)) {
      const forked = `${other.code} had another history of its first ${head.value.size} entries cosigned than ${other.name} holds`;
      findings.push({ code: 'LEDGER_FORKED', where, detail: forked });
    }
  }
}

/** Whatever the recipient says it received, the sender must say it sent. */
function checkCompleteness(recipient: AuditedBundle, sender: AuditedBundle, findings: Finding[]): void {
  const sent = new Map(
    sender.chronicle.sent.filter(({ peer }) => peer === recipient.code).map((trace) => [trace.seq, trace]),
  );
  for (const trace of recipient.chronicle.received) {
    if (trace.peer !== sender.code) continue;
    const origin = sent.get(trace.seq);
    if (origin?.message_id === trace.message_id) continue;
    const detail = `${recipient.code} received message ${trace.seq} from ${sender.code}, which ${sender.name} does not know as sent`;
    findings.push({ code: 'ENTRY_CONTRADICTED', where: `${recipient.name}: entry ${trace.index}`, detail });
  }
}

async function compareSameLedger(a: AuditedBundle, b: AuditedBundle, findings: Finding[]): Promise<void> {
  const [older, newer] = a.checkpoint.size <= b.checkpoint.size ? [a, b] : [b, a];
  const isContinued = equalBytes(await newer.tree.rootAt(older.tree.leaves.length), older.checkpoint.root);
  const where = `${a.name}, ${b.name}`;
  if (isContinued)
    findings.push({ code: 'SAME_LEDGER_TWICE', where, detail: `both are of ${a.code}; leave out ${older.name}` });
  else findings.push({ code: 'LEDGER_FORKED', where, detail: `${a.code} signed two histories` });
}

/** A version of the manifest is the same for everyone. */
function checkManifests(bundles: readonly AuditedBundle[], findings: Finding[]): void {
  const seen = new Map<number, { readonly digest: string; readonly name: string }>();
  for (const { name, manifests } of bundles) {
    for (const { manifest, digest } of manifests.all) {
      const first = seen.get(manifest.version);
      const own = bytesToHex(digest);
      if (first === undefined) seen.set(manifest.version, { digest: own, name });
      else if (first.digest !== own) {
        const detail = `version ${manifest.version} of the manifest is another than in ${first.name}`;
        findings.push({ code: 'MANIFEST_CONTRADICTED', where: name, detail });
      }
    }
  }
}

function direction(from: AuditedBundle, to: AuditedBundle): DirectionReport {
  const sent = from.chronicle.sent.filter(({ peer }) => peer === to.code);
  const received = to.chronicle.received.filter(({ peer }) => peer === from.code);
  const waits = sent
    .flatMap((trace) => (trace.held === undefined ? [] : [trace.held.time - trace.time]))
    .sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]!;
  return {
    from: from.code,
    to: to.code,
    sent: sent.length,
    received: received.filter(({ refused }) => !refused).length,
    refused: received.filter(({ refused }) => refused).length,
    voided: sent.filter(({ voided }) => voided !== undefined).length,
    unanswered: sent.filter(({ held }) => held === undefined).length,
    ...(waits.length === 0 ? {} : { acknowledged_ms: { p50: at(0.5), p90: at(0.9), worst: waits.at(-1)! } }),
  };
}
