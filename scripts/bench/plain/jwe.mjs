/** Stands in for `sealing/jwe`: an envelope with the parties and no encryption, of as many segments as the frame's format asks for. */
import { createHash } from 'node:crypto';

export function sealMessage(jws, { key, from, to }) {
  const sealed = `${key.kid}.${from}.${to}.${jws}`;
  return { sealed, sealedDigest: digestOf(sealed) };
}

export function sealMessageWith(jws, parties) {
  return sealMessage(jws, parties);
}

export function agreeWith(parties) {
  return parties;
}

export function sealUnder(parties, jws) {
  return sealMessage(jws, parties);
}

export function openMessage(sealed) {
  const [kid, from, to, ...jws] = sealed.split('.');
  return { ok: true, value: { jws: jws.join('.'), kid, from, to, sealedDigest: digestOf(sealed) } };
}

export function sealedDigest(sealed) {
  return { ok: true, value: digestOf(sealed) };
}

function digestOf(text) {
  return new Uint8Array(createHash('sha256').update(text).digest());
}
