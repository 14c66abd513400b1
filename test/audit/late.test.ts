/** Receipts that took too long, and what a part of a ledger says of them. */
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { auditBundles, type Selection } from '../../src/audit/mod.ts';
import { leafHash } from '../../src/ledger/mod.ts';
import type { LedgerEntry } from '../../src/wire/mod.ts';
import { puppetBundle } from '../kit/bundle.ts';
import { copyTestFederation } from '../kit/federation.ts';
import { Puppet } from '../kit/puppet.ts';

const [XA, XB] = ['XA', 'XB'] as JurisdictionCode[] as [JurisdictionCode, JurisdictionCode];
const START = Date.parse('2026-03-01T00:00:00Z');
const about = {
  message_id: '019b0000-0000-7000-8000-000000000001',
  seq: 1,
  sealed_digest: new Uint8Array(32).fill(1),
  signed_digest: new Uint8Array(32).fill(2),
};

test.each<[string, Selection | undefined, number, string[]]>([
  ['the whole ledger has it in time', undefined, 5, []],
  ['the whole ledger has it too late', undefined, 1, ['RECEIPT_LATE']],
  ['a range ends before it, and a manifest of days later is in it as in every part', { from: 0, to: 1 }, 5, []],
  ['a range goes on for too long without it', { from: 0, to: 2 }, 1, ['RECEIPT_LATE']],
  ['a part about the peer has it in time', { peer: XB }, 5, []],
])('a receipt after two seconds: %s', async (_what, selection, seconds, found) => {
  const federation = await copyTestFederation([XA, XB]);
  const [xa, xb] = [await Puppet.of(federation, XA), await Puppet.of(federation, XB)];
  const append = (puppet: Puppet, afterMs: number, entry: Omit<LedgerEntry, 'version' | 'time'>): number =>
    puppet.append({ ...entry, time: START + afterMs } as typeof entry);
  const { manifest, digest } = xa.manifest;
  const accepted = {
    kind: 'MANIFEST',
    seq: 0,
    detail: { type: 'manifest', value: { version: manifest.version, digest } },
  } as const;
  append(xb, 0, accepted);
  append(xa, 0, accepted);
  const sent = append(xa, 1_000, { kind: 'SENT', peer: XB, ...about });
  const act = { role: 'OPERATOR', action: 'LIST_CASES', refused: false, record: new Uint8Array(32) } as const;
  append(xa, 2_500, { kind: 'ACTED', seq: 0, detail: { type: 'act', value: act } });
  const peerEntry = (proof: { readonly entry: Uint8Array; readonly proof: string }): LedgerEntry['detail'] => ({
    type: 'peer_entry',
    value: { leaf_hash: leafHash(proof.entry), checkpoint: proof.proof.slice(proof.proof.indexOf('\n\n') + 2) },
  });
  const received = append(xb, 1_500, {
    kind: 'RECEIVED',
    peer: XA,
    ...about,
    detail: peerEntry(await xa.receipt(sent)),
  });
  const proof = await xb.receipt(received);
  const held = append(xa, 3_000, { kind: 'RECEIPT_HELD', peer: XB, ...about, detail: peerEntry(proof) });
  append(xa, 86_400_000, accepted);

  const part = selection === undefined ? undefined : { selection, isChosen: () => Promise.resolve(true) };
  const bytes = await puppetBundle(xa, new Map([[held, proof]]), { part });
  const { findings } = await auditBundles([{ name: 'xa.zip', bytes }], { lateMs: seconds * 1000 });
  expect(findings.map(({ code }) => code)).toEqual(found);
});
