import { bytesToBase64, bytesToHex, concatBytes, parseBase64, sha256, utf8ToBytes } from '../base/mod.ts';
import { LedgerError } from './error.ts';

/** What a key of a note signs: a log's checkpoints, or cosignatures of other logs' checkpoints. */
export const KEY_TYPES = { ed25519: 0x01, cosignature: 0x04 } as const;

/** The type byte in a verifier key. */
export type KeyType = (typeof KEY_TYPES)[keyof typeof KEY_TYPES];

/** The public key of a ledger or witness under its name. */
export interface VerifierKey {
  readonly name: string;
  readonly type: KeyType;
  /** 4 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array;
}

/** SHA-256(name ‖ 0A ‖ type ‖ public key), the first four bytes. @see C2SP signed-note, tlog-cosignature */
export function keyId(name: string, type: KeyType, publicKey: Uint8Array): Uint8Array {
  return sha256(utf8ToBytes(`${name}\n`), Uint8Array.of(type), publicKey).slice(0, 4);
}

/** Whether a text can name a key: not empty, without white space, plus signs or control characters. */
export function isKeyName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 255 &&
    !/[\s+\u0000-\u001f\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f\u3000\ufeff]/.test(name)
  );
}

/** @throws {LedgerError} LEDGER_MALFORMED for a text that cannot name a key */
export function verifierKey(name: string, type: KeyType, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw new LedgerError('LEDGER_MALFORMED', `“${name.slice(0, 80)}” cannot name a key.`);
  if (publicKey.length !== 32) throw new LedgerError('LEDGER_MALFORMED', 'An Ed25519 public key has 32 bytes.');
  return { name, type, id: keyId(name, type, publicKey), publicKey };
}

/** `name+hex8(id)+base64(type ‖ public key)`. @see C2SP signed-note */
export function encodeVerifierKey({ name, type, id, publicKey }: VerifierKey): string {
  return `${name}+${bytesToHex(id)}+${bytesToBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/** @throws {LedgerError} LEDGER_MALFORMED */
export function parseVerifierKey(text: string): VerifierKey {
  const match = /^([^+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text);
  if (match === null) throw malformed('is not name+id+key');
  const [, name, id, encoded] = match as unknown as [string, string, string, string];
  let bytes: Uint8Array;
  try {
    bytes = parseBase64(encoded);
  } catch (cause) {
    throw malformed('has a key that is not canonical base64', cause);
  }
  const type = bytes[0];
  if (type !== KEY_TYPES.ed25519 && type !== KEY_TYPES.cosignature) throw malformed('is of an unknown type');
  const key = verifierKey(name, type, bytes.slice(1));
  if (bytesToHex(key.id) !== id) throw malformed('has an id that is not its own');
  return key;
}

function malformed(what: string, cause?: unknown): LedgerError {
  return new LedgerError('LEDGER_MALFORMED', `The verifier key ${what}.`, { cause });
}
