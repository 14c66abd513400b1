/** Making the next key of a use, and the update that asks the council to list it. */
import { KEY_TYPES, encodeVerifierKey, verifierKey } from '../ledger/mod.ts';
import { bytesToBase64url, bytesToJwk, jwkThumbprint } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import {
  signKeyUpdate,
  type KeyProvider,
  type KeySet,
  type KeyUse,
  type KeyValidity,
  type MadeKey,
  type UpdatedKey,
} from '../trust/mod.ts';

/** When the next key begins and ends, and how long the present one goes on beside it. Milliseconds. */
export interface RotationTimes {
  readonly startsInMs: number;
  readonly overlapMs: number;
}

/** What was made. */
export interface Rotation {
  readonly use: KeyUse;
  readonly kid: string;
  readonly validity: KeyValidity;
  /** When the present key ends. Unix milliseconds. */
  readonly former_not_after: number;
  /** The text of the update for the council. */
  readonly update: string;
}

const DAY_MS = 24 * 3_600_000;
/** How long a key is listed for; it is to be rotated before. */
export const KEY_DAYS = 2 * 365;
/** Time for the council to list the key and for every peer to hear of it; and for what is on its way under the old one to arrive. */
export const DEFAULT_TIMES: RotationTimes = { startsInMs: DAY_MS, overlapMs: 30 * DAY_MS };

/**
 * Makes the next key and keeps it; it is used once a manifest lists it and its time has begun.
 * @throws {NodeError} NODE_NO_AUTHORITY for a TLS key where the jurisdiction's own PKI issues certificates
 */
export async function rotateKey(options: {
  readonly config: NodeConfig;
  readonly keys: KeyProvider;
  readonly current: KeySet;
  readonly use: KeyUse;
  readonly nowMs: number;
  readonly times: RotationTimes;
}): Promise<Rotation> {
  const { config, keys, current, use, nowMs, times } = options;
  const made = await keys.make(use, { code: config.code, host: endpointHost(config.endpoint), nowMs });
  const begins = nowMs + times.startsInMs;
  const validity = { not_before: begins, not_after: begins + KEY_DAYS * DAY_MS };
  const former = begins + times.overlapMs;
  const update = signKeyUpdate(
    { code: config.code, use, key: entryOf(config, use, made, validity), former_not_after: former },
    {
      new: (message) => made.prove(message),
      // What only decrypts cannot sign, and a TLS key is pinned by a digest: there the sign key speaks for the member.
      current: (message) => current[use === 'ledger' || use === 'witness' ? use : 'sign'].sign(message),
    },
    use === 'tls' ? keys.tls.find(({ kid }) => kid === made.kid)?.certificate : undefined,
  );
  return { use, kid: made.kid, validity, former_not_after: former, update };
}

/** The name or address in an endpoint, for a certificate; empty for none. */
export function endpointHost(endpoint: string): string {
  return endpoint === '' ? '' : new URL(endpoint).hostname.replace(/^\[|\]$/g, '');
}

/** How the manifest lists the ML-KEM half of an encryption key. */
export function kemEntry(kem: Uint8Array | undefined): { readonly mlkem768?: string } {
  return kem === undefined ? {} : { mlkem768: bytesToBase64url(kem) };
}

function entryOf(config: NodeConfig, use: KeyUse, { kid, publicKey, kem }: MadeKey, validity: KeyValidity): UpdatedKey {
  switch (use) {
    case 'tls':
      return { sha256: kid, ...validity };
    case 'sign':
    case 'encrypt': {
      const jwk = bytesToJwk(use === 'sign' ? 'Ed25519' : 'X25519', publicKey);
      return { kid: jwkThumbprint(jwk), jwk, ...kemEntry(kem), ...validity };
    }
    case 'ledger':
      return { vkey: encodeVerifierKey(verifierKey(config.ledgerOrigin, KEY_TYPES.ed25519, publicKey)), ...validity };
    case 'witness':
      return {
        vkey: encodeVerifierKey(verifierKey(config.witnessName, KEY_TYPES.cosignature, publicKey)),
        ...validity,
      };
    default:
      return use satisfies never;
  }
}
