import { describe, expect, test } from 'vitest';
import { sign } from 'node:crypto';
import {
  KEY_TYPES,
  cosign,
  cosignatureLine,
  parseCheckpointNote,
  verifierKey,
  verifyCosignature,
  verifyCosignatures,
} from '../../src/ledger/mod.ts';
import { privateKeyOf, publicBytes } from '../kit/keys.ts';
import { textMutations } from '../kit/mutation.ts';
import { readVector, type LedgerVector } from '../kit/vectors.ts';

const { checkpoint: note } = readVector<LedgerVector>('valid/ledger');
const checkpoint = parseCheckpointNote(note);
const privateKey = privateKeyOf('ed25519', '22'.repeat(32));
const key = verifierKey('node-b.example/witness', KEY_TYPES.cosignature, publicBytes(privateKey));
const signEd25519 = (message: Uint8Array): Uint8Array => sign(null, message, privateKey);
const text = cosign(checkpoint.origin, checkpoint, 1_767_225_600, key, signEd25519);

describe('cosignatures', () => {
  test('are over the text that the standard gives, with the time in front', () => {
    const body = note.slice(0, note.indexOf('\n\n') + 1);
    const bytes = Buffer.from(text, 'base64');
    expect(bytes.subarray(0, 4).toString('hex')).toBe('19b0dc07');
    expect(bytes.readBigUInt64BE(4)).toBe(1_767_225_600n);
    const expected = signEd25519(Buffer.from(`cosignature/v1\ntime 1767225600\n${body}`));
    expect(new Uint8Array(bytes.subarray(12))).toEqual(new Uint8Array(expected));
    expect(verifyCosignature(text, checkpoint.origin, checkpoint, key)).toMatchObject({
      ok: true,
      value: { timeS: 1_767_225_600 },
    });
  });

  test('no other text is one, and none is about another head', () => {
    for (const other of textMutations(text))
      expect(verifyCosignature(other, checkpoint.origin, checkpoint, key).ok).toBe(false);
    expect(verifyCosignature(text, checkpoint.origin, { ...checkpoint, size: 4 }, key).ok).toBe(false);
    expect(verifyCosignature(text, 'node-b.example/ledger', checkpoint, key).ok).toBe(false);
  });

  test('stand in a note beside the ledger’s own signature, once each', () => {
    const line = cosignatureLine(key.name, text);
    const cosigned = { ...checkpoint, note: note + line };
    expect(verifyCosignatures(cosigned, [key])).toMatchObject({ ok: true, value: [{ witness: key.name }] });
    expect(verifyCosignatures(cosigned, [])).toMatchObject({ ok: true, value: [] });
    expect(verifyCosignatures({ ...checkpoint, note: note + line + line }, [key])).toMatchObject({
      reason: 'NOTE_SIGNATURE_INVALID',
    });
    const stale = cosign(checkpoint.origin, { ...checkpoint, size: 2 }, 1, key, signEd25519);
    expect(verifyCosignatures({ ...checkpoint, note: note + cosignatureLine(key.name, stale) }, [key])).toMatchObject({
      reason: 'NOTE_SIGNATURE_INVALID',
    });
  });
});
