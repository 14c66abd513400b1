/**
 * Signed notes: a text, a blank line, and signature lines that each name a key. Whoever reads a note knows some keys and ignores the
 * signatures of all others.
 * @see C2SP signed-note v1.0.0
 */
import {
  accept,
  bytesToBase64,
  concatBytes,
  equalBytes,
  parseBase64,
  refuse,
  utf8ToBytes,
  verifyEd25519,
  type Verdict,
  type VerifyEd25519,
} from '../base/mod.ts';
import type { LedgerReason } from './error.ts';
import { isKeyName, type VerifierKey } from './verifier-key.ts';

/** One signature line, decoded. */
export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A note taken apart; nothing of it is verified. */
export interface Note {
  /** With its last line feed: exactly what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Signs exactly these bytes with Ed25519; 64 bytes. */
export type SignEd25519 = (message: Uint8Array) => Uint8Array;

const MAX_NOTE_CHARS = 65_536;
const MAX_SIGNATURES = 64;

/** Takes a note apart. */
export function parseNote(note: string): Verdict<Note, LedgerReason> {
  if (note.length > MAX_NOTE_CHARS) return refuse('NOTE_MALFORMED', 'longer than a note can be');

  if (/[\u0000-\u0009\u000b-\u001f\u007f]/.test(note)) return refuse('NOTE_MALFORMED', 'has control characters');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) return refuse('NOTE_MALFORMED', 'has no blank line before its signatures');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return refuse('NOTE_MALFORMED', `more than ${MAX_SIGNATURES} signatures`);
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === undefined) return refuse('NOTE_MALFORMED', 'has a line that is not a signature');
    signatures.push(signature);
  }
  return accept({ text: note.slice(0, split + 1), signatures });
}

/**
 * Finds the signature of a key, or of any of several. A signature of one of them that does not verify refuses the note, whatever else is
 * there.
 * @param keys one key, or all that may have signed; the first is named when none has
 * @param verify defaults to the auditor's own verification
 */
export function verifyNote(
  note: string,
  keys: VerifierKey | readonly VerifierKey[],
  verify: VerifyEd25519 = verifyEd25519,
): Verdict<Note, LedgerReason> {
  const parsed = parseNote(note);
  if (!parsed.ok) return parsed;
  const known = 'id' in keys ? [keys] : keys;
  let isSigned = false;
  for (const key of known) {
    const [signature, ...more] = signaturesBy(parsed.value, key);
    if (signature === undefined) continue;
    if (more.length > 0) return refuse('NOTE_SIGNATURE_INVALID', `two signatures by ${key.name}`);
    if (
      signature.signature.length !== 64 ||
      !verify(signature.signature, utf8ToBytes(parsed.value.text), key.publicKey)
    ) {
      return refuse('NOTE_SIGNATURE_INVALID', `the signature by ${key.name} does not verify`);
    }
    isSigned = true;
  }
  return isSigned ? parsed : refuse('NOTE_UNSIGNED', `no signature by ${known[0]?.name ?? 'a key that is valid'}`);
}

/** Whether the note has a line by this key; whether it is a signature is for `verifyNote`. */
export function isSignedBy(note: string, key: VerifierKey): boolean {
  const parsed = parseNote(note);
  return parsed.ok && signaturesBy(parsed.value, key).length > 0;
}

function signaturesBy({ signatures }: Note, key: VerifierKey): NoteSignature[] {
  return signatures.filter(({ name, keyId }) => name === key.name && equalBytes(keyId, key.id));
}

/** A note with one signature. */
export function signNote(text: string, key: VerifierKey, sign: SignEd25519): string {
  return `${text}\n${signatureLine(key, sign(utf8ToBytes(text)))}`;
}

function signatureLine(key: VerifierKey, signature: Uint8Array): string {
  return `\u2014 ${key.name} ${bytesToBase64(concatBytes(key.id, signature))}\n`;
}

function parseSignatureLine(line: string): NoteSignature | undefined {
  const match = /^\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
  if (match === null) return undefined;
  const [, name, encoded] = match as unknown as [string, string, string];
  if (!isKeyName(name)) return undefined;
  try {
    const bytes = parseBase64(encoded);
    return bytes.length < 5 ? undefined : { name, keyId: bytes.slice(0, 4), signature: bytes.slice(4) };
  } catch {
    return undefined;
  }
}
