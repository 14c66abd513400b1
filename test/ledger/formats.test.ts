import { describe, expect, test } from 'vitest';
import { bytesToBase64, bytesToHex } from '../../src/base/mod.ts';
import {
  KEY_TYPES,
  MerkleTiles,
  encodeConsistencyProofText,
  encodeEntryBundle,
  encodeVerifierKey,
  keyId,
  leafHash,
  parseCheckpointNote,
  parseEntryBundle,
  parseNote,
  parseVerifierKey,
  signCheckpoint,
  signNote,
  tilePath,
  tilesOfTree,
  verifierKey,
  verifyCheckpoint,
  verifyConsistencyProofText,
  verifyInclusionProofText,
} from '../../src/ledger/mod.ts';
import { logKeyOf, privateKeyOf, publicBytes } from '../kit/keys.ts';
import { bitFlips, textMutations } from '../kit/mutation.ts';
import { hex, readVector, type LedgerVector } from '../kit/vectors.ts';

const vector = readVector<LedgerVector>('valid/ledger');
const { key, sign } = logKeyOf('node-a.example/ledger', '11'.repeat(32));
const entries = vector.entries.map(hex);

describe('keys', () => {
  // Known answers of the protocol.
  test('the verifier key of a known seed', () => {
    const text = 'node-a.example/ledger+8e1a1728+AdBKsjJ0K7SrOhNovUYV5ObQIkq3GgFrr4UgozLJd4c3';
    expect(encodeVerifierKey(key)).toBe(text);
    expect(vector.vkey).toBe(text);
    expect(parseVerifierKey(text)).toEqual(key);
  });

  test('the key id of a known witness', () => {
    const witness = publicBytes(privateKeyOf('ed25519', '22'.repeat(32)));
    expect(bytesToHex(keyId('node-b.example/witness', KEY_TYPES.cosignature, witness))).toBe('19b0dc07');
  });

  test('no other spelling of a verifier key is one', () => {
    for (const text of textMutations(vector.vkey)) expect(() => parseVerifierKey(text)).toThrow();
  });

  test.each(['', 'a b', 'a+b', 'a\tb', 'a\u00a0b', 'a\u2003b', 'a\nb', 'x'.repeat(256)])(
    '%j cannot name a key',
    (name) => {
      expect(() => verifierKey(name, KEY_TYPES.ed25519, key.publicKey)).toThrow(
        expect.objectContaining({ code: 'LEDGER_MALFORMED' }) as Error,
      );
    },
  );
});

describe('checkpoints', () => {
  const head = { size: 3, root: parseCheckpointNote(vector.checkpoint).root };

  test('are signed byte for byte as in the vector', () => {
    expect(signCheckpoint(head, key, sign).note).toBe(vector.checkpoint);
    expect(bytesToBase64(head.root)).toBe(vector.root);
    expect(verifyCheckpoint(vector.checkpoint, key)).toMatchObject({ ok: true, value: head });
  });

  test('no other text verifies', () => {
    for (const note of textMutations(vector.checkpoint)) expect(verifyCheckpoint(note, key).ok).toBe(false);
  });

  const signedText = (text: string): string => signNote(text, key, sign);
  const root = vector.root;
  test.each([
    ['leading zero', `node-a.example/ledger\n03\n${root}\n`],
    ['plus', `node-a.example/ledger\n+3\n${root}\n`],
    ['space', `node-a.example/ledger\n 3\n${root}\n`],
    ['minus', `node-a.example/ledger\n-3\n${root}\n`],
    ['exponent', `node-a.example/ledger\n3e0\n${root}\n`],
    ['2^53', `node-a.example/ledger\n9007199254740992\n${root}\n`],
    ['2^64', `node-a.example/ledger\n18446744073709551616\n${root}\n`],
    ['base64 with other unused bits', `node-a.example/ledger\n3\n${root.slice(0, 42)}t=\n`],
    ['no padding', `node-a.example/ledger\n3\n${root.slice(0, 43)}\n`],
    ['short root', `node-a.example/ledger\n3\nAAAA\n`],
    ['extension line', `node-a.example/ledger\n3\n${root}\nextra\n`],
    ['missing line', `node-a.example/ledger\n3\n`],
    ['empty tree with a root', `node-a.example/ledger\n0\n${root}\n`],
    ['other origin', `node-b.example/ledger\n3\n${root}\n`],
  ])('rightly signed and still refused: %s', (_name, text) => {
    const verdict = verifyCheckpoint(signedText(text), key);
    expect(verdict.ok).toBe(false);
    expect(verdict).toMatchObject({ reason: expect.stringMatching(/CHECKPOINT_MALFORMED|ORIGIN_MISMATCH/) as string });
  });

  test('the largest size that a number holds is accepted', () => {
    const text = `node-a.example/ledger\n9007199254740991\n${root}\n`;
    expect(verifyCheckpoint(signedText(text), key)).toMatchObject({
      ok: true,
      value: { size: Number.MAX_SAFE_INTEGER },
    });
  });
});

describe('notes', () => {
  const line = vector.checkpoint.split('\n').at(-2)!;
  const text = vector.checkpoint.slice(0, vector.checkpoint.indexOf('\n\n') + 1);
  const other = logKeyOf('node-b.example/ledger', '23'.repeat(32));
  const otherLine = signNote(text, other.key, other.sign).split('\n').at(-2)!;
  const reasonOf = (note: string): string => {
    const verdict = verifyCheckpoint(note, key);
    return verdict.ok ? 'accepted' : verdict.reason;
  };

  test('signatures of unknown keys are ignored, before and after the known one', () => {
    expect(reasonOf(`${text}\n${otherLine}\n${line}\n`)).toBe('accepted');
    expect(reasonOf(`${text}\n${line}\n${otherLine}\n`)).toBe('accepted');
  });

  test('a known key’s bad signature refuses the note even beside a good one', () => {
    const bad = line.replace(/.{6}$/, 'AAAAA=');
    expect(reasonOf(`${text}\n${bad}\n${line}\n`)).toBe('NOTE_SIGNATURE_INVALID');
    expect(reasonOf(`${text}\n${line}\n${line}\n`)).toBe('NOTE_SIGNATURE_INVALID');
  });

  test('name and key id both count', () => {
    expect(reasonOf(`${text}\n${line.replace('node-a', 'node-c')}\n`)).toBe('NOTE_UNSIGNED');
    expect(reasonOf(`${text}\n${otherLine}\n`)).toBe('NOTE_UNSIGNED');
  });

  test.each([
    ['carriage returns', `${text}\n${line}\n`.replaceAll('\n', '\r\n')],
    ['hyphen for the dash', `${text}\n${line.replace('\u2014', '-')}\n`],
    ['no last line feed', `${text}\n${line}`],
    ['no blank line', `${text}${line}\n`],
    ['NUL', `${text}\n${line}\u0000\n`],
    ['a stray line', `${text}\n${line}\nstray\n`],
    ['an empty last line', `${text}\n${line}\n\n`],
    ['too many', `${text}\n${`${otherLine}\n`.repeat(65)}`],
    ['too long', `${'x'.repeat(70_000)}\n\n${line}\n`],
  ])('not a note: %s', (_name, note) => {
    const verdict = parseNote(note);
    expect(verdict.ok ? reasonOf(note) : verdict.reason).toMatch(/NOTE_MALFORMED|NOTE_UNSIGNED|NOTE_SIGNATURE_INVALID/);
    expect(reasonOf(note)).not.toBe('accepted');
  });

  test('the text is split at the last blank line', () => {
    const verdict = parseNote(`first\n\nsecond\n\n${line}\n`);
    expect(verdict).toMatchObject({ ok: true, value: { text: 'first\n\nsecond\n' } });
  });
});

describe('proof texts', () => {
  test('the vector’s inclusion proof verifies, and no other text does', () => {
    const entry = entries[vector.inclusion.index]!;
    expect(verifyInclusionProofText(vector.inclusion.proof, entry, key)).toMatchObject({
      ok: true,
      value: { index: 1 },
    });
    for (const text of textMutations(vector.inclusion.proof))
      expect(verifyInclusionProofText(text, entry, key).ok).toBe(false);
    for (const other of bitFlips(entry))
      expect(verifyInclusionProofText(vector.inclusion.proof, other, key).ok).toBe(false);
  });

  test('an extra line is refused', () => {
    const text = vector.inclusion.proof.replace('index 1\n', 'extra AAAA\nindex 1\n');
    expect(verifyInclusionProofText(text, entries[1]!, key)).toMatchObject({ reason: 'PROOF_MALFORMED' });
  });

  test('the vector’s consistency proof is what the code makes, verifies, and no other text does', async () => {
    const older = parseCheckpointNote(vector.consistency.old);
    const tree = new MerkleTiles(() => Promise.reject(new Error('none')));
    tree.append(entries.map(leafHash));
    expect(encodeConsistencyProofText(2, await tree.consistencyPath(2), vector.checkpoint)).toBe(
      vector.consistency.proof,
    );
    expect(verifyConsistencyProofText(vector.consistency.proof, older, key)).toMatchObject({
      ok: true,
      value: { size: 3 },
    });
    for (const text of textMutations(vector.consistency.proof))
      expect(verifyConsistencyProofText(text, older, key).ok).toBe(false);
  });
});

describe('tiles', () => {
  // Examples of the layout: C2SP tlog-tiles, “Merkle Tree”.
  test.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 1234067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 1, index: 273, width: 112 }, 'tile/1/273.p/112'],
    [{ level: 'entries', index: 1000, width: 1 }, 'tile/entries/x001/000.p/1'],
  ] as const)('%o is at %s', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
  });

  test('the tiles of a tree of 70,000', () => {
    expect(
      tilesOfTree(70_000)
        .map(tilePath)
        .filter((path) => path.includes('.p/')),
    ).toEqual(['tile/entries/273.p/112', 'tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1']);
    expect(tilesOfTree(0)).toEqual([]);
    expect(tilesOfTree(256).map(tilePath)).toEqual(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1']);
  });

  test('entry bundles and tiles are those of the vector', async () => {
    expect(bytesToHex(encodeEntryBundle(entries))).toBe(vector.entry_bundle);
    expect(parseEntryBundle(hex(vector.entry_bundle))).toEqual(entries);
    const tree = new MerkleTiles(() => Promise.reject(new Error('none')));
    tree.append(entries.map(leafHash));
    expect(bytesToHex(await tree.tileBytes(0, 0, 3))).toBe(vector.tile);
    expect(entries.map((entry) => bytesToHex(leafHash(entry)))).toEqual(vector.leaf_hashes);
  });

  test('a bundle cut anywhere, or with an empty entry, is refused', () => {
    const bundle = hex(vector.entry_bundle);
    let whole = 0;
    for (let length = 1; length < bundle.length; length++) {
      try {
        whole += parseEntryBundle(bundle.subarray(0, length)).length > 0 ? 1 : 0;
      } catch (error) {
        expect(error).toMatchObject({ code: 'LEDGER_MALFORMED' });
      }
    }
    // Only a cut between two entries leaves a bundle: there are two.
    expect(whole).toBe(2);
    expect(() => parseEntryBundle(Uint8Array.of(0, 0))).toThrow();
    expect(() => parseEntryBundle(new Uint8Array(3 * 257).map((_, i) => (i % 3 === 1 ? 1 : 0)))).toThrow();
  });
});
