import { hkdfSync } from 'node:crypto';
import { concatBytes, utf8ToBytes } from '../base/mod.ts';
import { partsDigest } from './compact.ts';

/** Both key establishments of one message: what was agreed, and everything public that was agreed with. */
export interface HybridAgreement {
  /** ML-KEM-768: the shared secret, the ciphertext, the recipient’s encapsulation key. */
  readonly kem: { readonly secret: Uint8Array; readonly ciphertext: Uint8Array; readonly publicKey: Uint8Array };
  /** X25519: the shared secret, the ephemeral public key, the recipient’s public key. */
  readonly dh: { readonly secret: Uint8Array; readonly ephemeral: Uint8Array; readonly publicKey: Uint8Array };
}

/**
 * The content key of suite 2. Both secrets go in, so that it is as hard to learn as the harder of the two; ciphertexts, public keys and
 * parties go in too, so that it belongs to this message alone, whatever either scheme promises of its ciphertexts.
 * @param algorithm the header’s `alg`
 * @param apu PartyUInfo, decoded
 * @param apv PartyVInfo, decoded
 * @returns 32 bytes
 * @see NIST SP 800-56C rev. 2 §2 (Z ‖ T), RFC 5869, draft-connolly-cfrg-xwing-kem §5.3
 */
export function hybridKdf(
  algorithm: string,
  { kem, dh }: HybridAgreement,
  apu: Uint8Array,
  apv: Uint8Array,
): Uint8Array {
  const context = partsDigest([
    utf8ToBytes(algorithm),
    utf8ToBytes('A256GCM'),
    apu,
    apv,
    kem.ciphertext,
    kem.publicKey,
    dh.ephemeral,
    dh.publicKey,
  ]);
  return new Uint8Array(hkdfSync('sha256', concatBytes(kem.secret, dh.secret), new Uint8Array(0), context, 32));
}
