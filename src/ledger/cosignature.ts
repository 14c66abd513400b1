/**
 * Cosignatures: a witness states that at a time it saw a checkpoint, and that it had seen nothing which contradicts it.
 * @see C2SP tlog-cosignature v1.0.1
 */
import {
  accept,
  bytesToBase64,
  concatBytes,
  equalBytes,
  parseBase64,
  refuse,
  uint64ToBytes,
  utf8ToBytes,
  verifyEd25519,
  type Verdict,
  type VerifyEd25519,
} from '../base/mod.ts';
import { encodeCheckpointBody, type Checkpoint, type TreeHead } from './checkpoint.ts';
import type { LedgerReason } from './error.ts';
import { parseNote, type SignEd25519 } from './note.ts';
import type { VerifierKey } from './verifier-key.ts';

/** A cosignature that verified. */
export interface Cosignature {
  /** The witness's name. */
  readonly witness: string;
  readonly key: VerifierKey;
  /** Unix seconds at which the witness signed. */
  readonly timeS: number;
  /** The line as it stands in a note. */
  readonly line: string;
}

const KEY_ID_BYTES = 4;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** Cosigns a tree head; the result is the base64 text of the signature line. */
export function cosign(origin: string, head: TreeHead, timeS: number, key: VerifierKey, sign: SignEd25519): string {
  const signature = sign(cosignedMessage(origin, head, timeS));
  return bytesToBase64(concatBytes(key.id, uint64ToBytes(timeS), signature));
}

/** Verifies the base64 text of a cosignature over a tree head, under the witness's key, or any of those that it has. */
export function verifyCosignature(
  text: string,
  origin: string,
  head: TreeHead,
  keys: VerifierKey | readonly VerifierKey[],
  verify: VerifyEd25519 = verifyEd25519,
): Verdict<Cosignature, LedgerReason> {
  let bytes: Uint8Array;
  try {
    bytes = parseBase64(text);
  } catch {
    return refuse('NOTE_MALFORMED', 'a cosignature is not base64');
  }
  if (bytes.length !== KEY_ID_BYTES + TIME_BYTES + SIGNATURE_BYTES)
    return refuse('NOTE_MALFORMED', 'a cosignature has another length');
  const key = ('id' in keys ? [keys] : keys).find(({ id }) => equalBytes(bytes.subarray(0, KEY_ID_BYTES), id));
  if (key === undefined) return refuse('NOTE_UNSIGNED', 'by none of the keys of the witness');
  const timeS = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(KEY_ID_BYTES));
  const signature = bytes.subarray(KEY_ID_BYTES + TIME_BYTES);
  if (!Number.isSafeInteger(timeS) || !verify(signature, cosignedMessage(origin, head, timeS), key.publicKey)) {
    return refuse('NOTE_SIGNATURE_INVALID', `the cosignature by ${key.name} does not verify`);
  }
  return accept({ witness: key.name, key, timeS, line: cosignatureLine(key.name, text) });
}

/** The line that a cosignature has in a note. */
export function cosignatureLine(name: string, text: string): string {
  return `\u2014 ${name} ${text}\n`;
}

/**
 * The cosignatures on a checkpoint by witnesses that are known. One that does not verify refuses the checkpoint, as does a second one by
 * the same witness.
 */
export function verifyCosignatures(
  checkpoint: Checkpoint,
  witnesses: readonly VerifierKey[],
  verify?: VerifyEd25519,
): Verdict<Cosignature[], LedgerReason> {
  const parsed = parseNote(checkpoint.note);
  if (!parsed.ok) return parsed;
  const found: Cosignature[] = [];
  for (const key of witnesses) {
    const own = parsed.value.signatures.filter(({ name, keyId }) => name === key.name && equalBytes(keyId, key.id));
    const [first] = own;
    if (first === undefined) continue;
    if (own.length > 1) return refuse('NOTE_SIGNATURE_INVALID', `two cosignatures by ${key.name}`);
    const text = bytesToBase64(concatBytes(first.keyId, first.signature));
    const verified = verifyCosignature(text, checkpoint.origin, checkpoint, key, verify);
    if (!verified.ok) return verified;
    found.push(verified.value);
  }
  return accept(found);
}

function cosignedMessage(origin: string, head: TreeHead, timeS: number): Uint8Array {
  return utf8ToBytes(`cosignature/v1\ntime ${timeS}\n${encodeCheckpointBody(origin, head)}`);
}
