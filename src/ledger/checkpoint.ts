/**
 * Checkpoints: what a ledger signs about its tree. Once signed, a root at a size can never be another.
 * @see C2SP tlog-checkpoint v1.0.0
 */
import {
  accept,
  bytesToBase64,
  equalBytes,
  parseBase64,
  refuse,
  type Verdict,
  type VerifyEd25519,
} from '../base/mod.ts';
import { LedgerError, type LedgerReason } from './error.ts';
import { EMPTY_ROOT, HASH_BYTES } from './hash.ts';
import { parseNote, signNote, verifyNote, type SignEd25519 } from './note.ts';
import { isKeyName, type VerifierKey } from './verifier-key.ts';

/** The state of a tree. */
export interface TreeHead {
  /** Number of leaves, at most 2^53−1. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** A tree head as its ledger states it. */
export interface Checkpoint extends TreeHead {
  readonly origin: string;
  /** The signed note as it came. */
  readonly note: string;
}

/** Parses a canonical decimal number of at most 2^53−1; undefined for anything else. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** `origin\nsize\nbase64(root)\n`. */
export function encodeCheckpointBody(origin: string, { size, root }: TreeHead): string {
  return `${origin}\n${size}\n${bytesToBase64(root)}\n`;
}

/** Signs a tree head; the same head always gives the same note, because Ed25519 is deterministic (RFC 8032 §5.1.6). */
export function signCheckpoint(head: TreeHead, key: VerifierKey, sign: SignEd25519): Checkpoint {
  return { ...head, origin: key.name, note: signNote(encodeCheckpointBody(key.name, head), key, sign) };
}

/** Verifies a ledger's checkpoint under its key, or under any of those that it has had. */
export function verifyCheckpoint(
  note: string,
  keys: VerifierKey | readonly VerifierKey[],
  verify?: VerifyEd25519,
): Verdict<Checkpoint, LedgerReason> {
  const verified = verifyNote(note, keys, verify);
  if (!verified.ok) return verified;
  const body = parseBody(verified.value.text, note);
  if (body === undefined) return refuse('CHECKPOINT_MALFORMED', 'the note is not a checkpoint');
  const [{ name: origin } = { name: '' }] = 'id' in keys ? [keys] : keys;
  if (body.origin !== origin) return refuse('ORIGIN_MISMATCH', `the checkpoint is of ${body.origin}`);
  return accept(body);
}

/**
 * Reads a checkpoint whose signature was verified before, or is of no interest.
 * @throws {LedgerError} LEDGER_MALFORMED
 */
export function parseCheckpointNote(note: string): Checkpoint {
  const parsed = parseNote(note);
  const body = parsed.ok ? parseBody(parsed.value.text, note) : undefined;
  if (body === undefined) throw new LedgerError('LEDGER_MALFORMED', 'The note is not a checkpoint.');
  return body;
}

function parseBody(text: string, note: string): Checkpoint | undefined {
  const match = /^([^\n]+)\n([0-9]{1,16})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text);
  if (match === null) return undefined;
  const [, origin, decimal, encoded] = match as unknown as [string, string, string, string];
  const size = parseDecimal(decimal);
  if (size === undefined || !isKeyName(origin)) return undefined;
  const root = parseHash(encoded);
  if (root === undefined || (size === 0 && !equalBytes(root, EMPTY_ROOT))) return undefined;
  return { origin, size, root, note };
}

/** A hash in canonical base64; undefined for anything else. */
export function parseHash(encoded: string): Uint8Array | undefined {
  try {
    const hash = parseBase64(encoded);
    return hash.length === HASH_BYTES ? hash : undefined;
  } catch {
    return undefined;
  }
}
