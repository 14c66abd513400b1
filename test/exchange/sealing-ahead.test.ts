import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { SealingAhead } from '../../src/exchange/sealing-ahead.ts';
import { openMessage, type Sealing } from '../../src/sealing/mod.ts';
import { decryptionKeyOf, kidOf } from '../kit/keys.ts';

const [XA, XB, XC] = ['XA', 'XB', 'XC'] as JurisdictionCode[] as [JurisdictionCode, JurisdictionCode, JurisdictionCode];

interface Recipient {
  readonly privateKey: KeyObject;
  readonly sealing: Sealing;
}

function recipient(to: JurisdictionCode): Recipient {
  const { privateKey } = generateKeyPairSync('x25519');
  const publicKey = createPublicKey(privateKey);
  return { privateKey, sealing: { key: { kid: kidOf(privateKey), publicKey }, from: XA, to, suite: 1 } };
}

// It is done in the turn of the event loop that comes next.
const agreed = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

function opened(sealed: string, { privateKey, sealing: { key, from, to } }: Recipient): string | undefined {
  const verdict = openMessage(sealed, (kid) => (kid === key.kid ? decryptionKeyOf(privateKey) : undefined), {
    from,
    to,
  });
  return verdict.ok ? verdict.value.jws : verdict.reason;
}

function ephemeralOf(sealed: string): string {
  const header = JSON.parse(Buffer.from(sealed.split('.')[0]!, 'base64url').toString()) as { epk: { x: string } };
  return header.epk.x;
}

test('every message has an ephemeral key of its own, whether it was agreed on before or not', async () => {
  const ahead = new SealingAhead();
  const bob = recipient(XB);
  const sealed: string[] = [];
  for (let round = 0; round < 4; round++) {
    // The first of three may find an agreement; the others come too soon for one.
    for (let i = 0; i < 3; i++) sealed.push(ahead.seal(`message ${sealed.length}`, bob.sealing).sealed);
    await agreed();
  }
  expect(sealed.map((each) => opened(each, bob))).toEqual(sealed.map((_, i) => `message ${i}`));
  expect(new Set(sealed.map(ephemeralOf)).size).toBe(12);
});

test('what was agreed with one key is for no other: not for another peer, not for the key that follows, not in another suite', async () => {
  const ahead = new SealingAhead();
  const [bob, carol, bobLater] = [recipient(XB), recipient(XC), recipient(XB)];
  ahead.seal('first', bob.sealing);
  await agreed();
  expect(opened(ahead.seal('to carol', carol.sealing).sealed, carol)).toBe('to carol');
  expect(opened(ahead.seal('later', bobLater.sealing).sealed, bobLater)).toBe('later');
  await agreed();
  expect(() => ahead.seal('hybrid', { ...bobLater.sealing, suite: 2 })).toThrow(TypeError);
  expect(opened(ahead.seal('to bob', bob.sealing).sealed, bob)).toBe('to bob');
});
