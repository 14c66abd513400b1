/** Stands in for `store/cipher`: values rest as they are, and their tags say nothing. */
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

const NO_TAG = new Uint8Array(TAG_BYTES);

export function sealBytes(_key, _nonce, _about, plaintext) {
  return [plaintext, NO_TAG];
}

export function openBytes(_key, _nonce, _about, sealed) {
  return sealed.slice(0, sealed.length - TAG_BYTES);
}
