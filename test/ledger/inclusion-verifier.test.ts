/** Proofs that are verified by what they have in common with the one before: never otherwise than each by itself. */
import { expect, test } from 'vitest';
import { createHash } from 'node:crypto';
import { utf8ToBytes } from '../../src/base/mod.ts';
import {
  InclusionVerifier,
  encodeInclusionProofText,
  leafHash,
  signCheckpoint,
  verifyInclusionProofText,
  type VerifierKey,
} from '../../src/ledger/mod.ts';
import { logKeyOf } from '../kit/keys.ts';
import { fc } from '../kit/property.ts';
import { pathOf, rootOf } from './reference.ts';

const ledger = logKeyOf('xa.example/ledger', '11'.repeat(32));
const successor = logKeyOf('xa.example/ledger', '22'.repeat(32));
const other = logKeyOf('xb.example/ledger', '33'.repeat(32));
const deep = process.env['SLOW'] === '1';

function entryOf(index: number, name = 'entry'): Uint8Array {
  return utf8ToBytes(`${name} ${index}`);
}

interface Proof {
  readonly text: string;
  readonly entry: Uint8Array;
}

/** Every entry of a tree of so many, with its proof. */
function proofsOf(size: number, by = ledger, name = 'entry'): Proof[] {
  const entries = Array.from({ length: size }, (_, i) => entryOf(i, name));
  const leaves = entries.map((entry) => leafHash(entry));
  const { note } = signCheckpoint({ size, root: rootOf(leaves) }, by.key, by.sign);
  return entries.map((entry, index) => ({ text: encodeInclusionProofText(index, pathOf(index, leaves), note), entry }));
}

/** Counts how often a signature was looked at: a proof that follows another's way looks at none. */
function counting(): { readonly verifier: InclusionVerifier; readonly looks: () => number } {
  let looks = 0;
  const verifier = new InclusionVerifier(() => {
    looks++;
    return true;
  });
  return { verifier, looks: () => looks };
}

function isHeld({ text, entry }: Proof, keys: readonly VerifierKey[]): boolean {
  return verifyInclusionProofText(text, entry, keys, () => true).ok;
}

test.each([1, 2, 3, 7, 8, 9, 100])('of a tree of %i one signature is verified, whatever the order', (size) => {
  const proofs = proofsOf(size);
  for (const order of [proofs, proofs.toReversed(), proofs.toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)))]) {
    const { verifier, looks } = counting();
    for (const proof of order) {
      const verdict = verifier.verify(proof.text, proof.entry, [ledger.key]);
      expect(verdict).toEqual(verifyInclusionProofText(proof.text, proof.entry, ledger.key, () => true));
      expect(verdict.ok).toBe(true);
    }
    expect(looks()).toBe(1);
  }
});

function keyOf({ text }: Proof): string {
  return createHash('sha256').update(text).digest('hex');
}

test('a proof is believed after another exactly when it is believed by itself', () => {
  const [small, large, grown] = [proofsOf(37), proofsOf(100), proofsOf(101)];
  const [elsewhere, next] = [proofsOf(100, other), proofsOf(100, successor)];
  const strange = proofsOf(100, ledger, 'other');
  const all = [small, large, grown, elsewhere, next, strange].flat();
  const change = fc.record({
    at: fc.nat(),
    how: fc.constantFrom('none', 'none', 'swap', 'cut', 'double', 'letter', 'entry', 'tail', 'index'),
    by: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), change), { minLength: 2, maxLength: 12 }), (steps) => {
      const { verifier } = counting();
      for (const [which, { at, how, by }] of steps) {
        const keys = which % 3 === 0 ? [successor.key, ledger.key] : [ledger.key];
        const proof = changed(all[which % all.length]!, all[by % all.length]!, how, at);
        const alone = verifyInclusionProofText(proof.text, proof.entry, keys, () => true);
        expect(verifier.verify(proof.text, proof.entry, keys)).toEqual(alone);
      }
    }),
    { numRuns: deep ? 50_000 : 1000 },
  );
});

function changed(proof: Proof, donor: Proof, how: string, at: number): Proof {
  const { text, entry } = proof;
  const lines = text.split('\n');
  const line = at % lines.length;
  switch (how) {
    case 'swap':
      return { text: lines.with(line, donor.text.split('\n')[line] ?? '').join('\n'), entry };
    case 'cut':
      return { text: lines.toSpliced(line, 1).join('\n'), entry };
    case 'double':
      return { text: lines.toSpliced(line, 0, lines[line]!).join('\n'), entry };
    case 'letter':
      return { text: `${text.slice(0, at % text.length)}A${text.slice((at % text.length) + 1)}`, entry };
    case 'entry':
      return { text, entry: donor.entry };
    case 'tail':
      return { text: `${text}\n`, entry };
    case 'index':
      return { text: lines.with(1, `index ${at % 120}`).join('\n'), entry };
    default:
      return proof;
  }
}

test('every letter of a proof counts, also of what it has in common with the one before', () => {
  const proofs = proofsOf(50);
  const [before, proof] = [proofs[20]!, proofs[21]!];
  let held = 0;
  for (let at = 0; at < proof.text.length; at++) {
    for (const letter of ['A', 'B', '0', '\n']) {
      const text = `${proof.text.slice(0, at)}${letter}${proof.text.slice(at + 1)}`;
      const { verifier } = counting();
      expect(verifier.verify(before.text, before.entry, [ledger.key]).ok).toBe(true);
      const verdict = verifier.verify(text, proof.entry, [ledger.key]);
      expect(verdict.ok).toBe(isHeld({ text, entry: proof.entry }, [ledger.key]));
      if (verdict.ok && text !== proof.text) held++;
    }
  }
  // Only in the signature, which nobody looks at here.
  expect(held).toBeLessThan(4 * 100);
});

test('another key asks for another look, and so does a proof that held under one that does not count any more', () => {
  const [first, second] = proofsOf(9) as [Proof, Proof];
  const verifier = new InclusionVerifier();
  expect(verifier.verify(first.text, first.entry, [ledger.key]).ok).toBe(true);
  expect(verifier.verify(second.text, second.entry, [successor.key])).toMatchObject({ reason: 'NOTE_UNSIGNED' });
  expect(verifier.verify(second.text, second.entry, [ledger.key]).ok).toBe(true);
});
