import { createPublicKey } from 'node:crypto';
import { bytesToJwk, codeOf, type JurisdictionCode } from '../base/mod.ts';
import { openMessage, sealMessage } from '../sealing/mod.ts';
import type { AgreementKey } from '../trust/mod.ts';

/**
 * Why an encryption key does not open what is sealed to it; undefined when it does, with both halves where it has two.
 * @param code whose key it is
 */
export function openingFault(code: JurisdictionCode, key: AgreementKey): string | undefined {
  const publicKey = createPublicKey({ key: { ...bytesToJwk('X25519', key.publicKey) }, format: 'jwk' });
  const recipient = { kid: key.kid, publicKey, kem: key.kem?.publicKey };
  let failure: string | undefined;
  // Whatever goes wrong in the key is one refusal to who opens: what it was, only the key itself can tell.
  const agree = (other: Parameters<AgreementKey['agree']>[0]): Uint8Array => {
    try {
      return key.agree(other);
    } catch (error) {
      failure = codeOf(error);
      throw error;
    }
  };
  const { sealed } = sealMessage('probe', {
    key: recipient,
    from: code,
    to: code,
    suite: key.kem === undefined ? 1 : 2,
  });
  const opened = openMessage(sealed, () => ({ publicKey: key.publicKey, agree, kem: key.kem }));
  return opened.ok ? undefined : (failure ?? opened.reason);
}
