/** What two ledgers say of a message that one gave up, and the other received as if it had not. */
import { beforeEach, expect, test } from 'vitest';
import { auditBundles } from '../../src/audit/mod.ts';
import { leafHash, parseCheckpointNote } from '../../src/ledger/mod.ts';
import type { LedgerEntry, Receipt } from '../../src/wire/mod.ts';
import { puppetBundle } from '../kit/bundle.ts';
import { copyTestFederation } from '../kit/federation.ts';
import { Puppet } from '../kit/puppet.ts';

type Rest = Omit<LedgerEntry, 'version' | 'time'>;

const digest = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const about = {
  message_id: '019b0000-0000-7000-8000-000000000001',
  seq: 1,
  sealed_digest: digest(1),
  signed_digest: digest(2),
};

let xa: Puppet;
let xb: Puppet;

beforeEach(async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  [xa, xb] = [await Puppet.of(federation, 'XA'), await Puppet.of(federation, 'XB')];
  for (const puppet of [xa, xb]) puppet.recordManifest();
});

/** An entry about the message. */
function entryOf(kind: LedgerEntry['kind'], peer: string, reason?: LedgerEntry['reason'], proof?: Receipt): Rest {
  const note = proof?.proof.slice(proof.proof.indexOf('\n\n') + 2);
  if (proof === undefined || note === undefined) return { kind, peer, ...about, reason };
  expect(parseCheckpointNote(note).note).toBe(note);
  const value = { leaf_hash: leafHash(proof.entry), checkpoint: note };
  return { kind, peer, ...about, reason, detail: { type: 'peer_entry', value } };
}

async function audit(puppet: Puppet, proofs: ReadonlyMap<number, Receipt>): Promise<string[]> {
  const bundle = { name: 'bundle.zip', bytes: await puppetBundle(puppet, proofs) };
  return (await auditBundles([bundle])).findings.map(({ code }) => code);
}

test.each([
  ['the reason of what was given up', 'VOIDED_EXPIRED', true, []],
  ['no reason for what was given up', undefined, true, ['PROOF_MISMATCH']],
  ['another reason than it was given up for', 'VOIDED_WITHDRAWN', true, ['PROOF_MISMATCH']],
  ['no reason for what was sent', undefined, false, []],
  ['a reason for what was only sent', 'VOIDED_EXPIRED', false, ['PROOF_MISMATCH']],
] as const)('a recipient has %s', async (_what, reason, isGivenUp, found) => {
  let index = xb.append(entryOf('SENT', 'XA'));
  if (isGivenUp) index = xb.append(entryOf('VOIDED', 'XA', 'VOIDED_EXPIRED'));
  const proof = await xb.receipt(index);
  const received = xa.append(entryOf('RECEIVED', 'XB', reason, proof));
  expect(await audit(xa, new Map([[received, proof]]))).toEqual(found);
});

test.each([
  ['VOIDED_EXPIRED', []],
  [undefined, ['ENTRY_CONTRADICTED']],
] as const)('a sender who gave a message up holds a receipt with the reason %s', async (reason, found) => {
  xa.append(entryOf('SENT', 'XB'));
  const voided = xa.append(entryOf('VOIDED', 'XB', 'VOIDED_EXPIRED'));
  const received = xb.append(entryOf('RECEIVED', 'XA', reason, await xa.receipt(voided)));
  const proof = await xb.receipt(received);
  const held = xa.append(entryOf('RECEIPT_HELD', 'XB', reason, proof));
  expect(await audit(xa, new Map([[held, proof]]))).toEqual(found);
});
