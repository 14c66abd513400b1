import { X509Certificate } from 'node:crypto';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { KEY_TYPES, encodeVerifierKey, verifierKey } from '../../src/ledger/mod.ts';
import { publicJwk, rawPublicKey, spkiSha256, type MemberStatement, type NodeKeys } from '../../src/trust/mod.ts';

/** What a node with these keys says of itself; the keys are valid for a year. */
export function statementOf(code: JurisdictionCode, keys: NodeKeys, nowMs: number): MemberStatement {
  const validity = { not_before: nowMs, not_after: nowMs + 365 * 86_400_000 };
  const name = (part: string): string => `${code.toLowerCase()}.example/${part}`;
  const vkey = (part: string, type: 1 | 4, key: NodeKeys['ledger']): string =>
    encodeVerifierKey(verifierKey(name(part), type, rawPublicKey(key)));
  return {
    code,
    name: 'Aldovia',
    authority: 'Ministry',
    endpoint: 'wss://127.0.0.1:1/federation',
    tls: {
      ca: new X509Certificate(keys.certificates.ca).raw.toString('base64'),
      spki_sha256: [{ sha256: spkiSha256(new X509Certificate(keys.certificates.tls)), ...validity }],
    },
    sign: [{ ...publicJwk(keys.sign), ...validity }],
    encrypt: [{ ...publicJwk(keys.encrypt), ...validity }],
    ledger: { origin: name('ledger'), vkey: vkey('ledger', KEY_TYPES.ed25519, keys.ledger) },
    witness: { name: name('witness'), vkey: vkey('witness', KEY_TYPES.cosignature, keys.witness) },
    limits: { max_message_bytes: 524_288, max_evidence_bytes: 0 },
  };
}
