/** Why a signed or sealed message is not what it should be. */
export type SealingReason =
  /** Longer than a message can be; nothing was decoded. */
  | 'TOO_LARGE'
  /** Not a compact JWE with exactly the header of the profile. */
  | 'JWE_MALFORMED'
  /** Sealed to a key that the recipient does not hold. */
  | 'JWE_KEY_UNKNOWN'
  /** Does not open: another key, or a changed byte. */
  | 'JWE_DECRYPT_FAILED'
  /** `apu` or `apv` is not a jurisdiction code, or not that of the party whom it should name. */
  | 'JWE_PARTY_INVALID'
  /** Not a compact JWS with exactly the header of the profile. */
  | 'JWS_MALFORMED'
  /** Signed by a key that is not known for the sender. */
  | 'JWS_KEY_UNKNOWN'
  | 'JWS_SIGNATURE_INVALID';
