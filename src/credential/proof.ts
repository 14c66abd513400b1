/**
 * How a person proves that a request is theirs: the node gives out a challenge, and the person's key signs it together with what is
 * asked. A challenge serves once, so that nothing that was overheard can be said again.
 */
import { randomBytes, sign } from 'node:crypto';
import { bytesToHex, parseBase64url, sha256, utf8ToBytes, verifyEd25519, type Timers } from '../base/mod.ts';
import { parseStaffKey, type Credential } from './credential.ts';
import { CredentialError } from './error.ts';

/** A request of the local interface, as far as it is signed. */
export interface SignedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Absent for a body that streams: the socket is the node's own, and the content is hashed where it is stored. */
  readonly body?: Uint8Array | undefined;
}

/** What travels with a request; the private key does not. */
export interface Presented {
  readonly statement: string;
  readonly signature: string;
  readonly challenge: string;
  /** By the person's key, base64url. */
  readonly proof: string;
}

const SCHEME = 'Rogatory ';
const TTL_MS = 60_000;
const MAX_OPEN = 4096;

/** Signs a request; what comes back is the value of the header `authorization`. */
export function presentCredential(credential: Credential, challenge: string, request: SignedRequest): string {
  const { statement, signature, key } = credential;
  const proof = sign(null, provedText(challenge, request), parseStaffKey(key).privateKey).toString('base64url');
  const presented: Presented = { statement, signature, challenge, proof };
  return SCHEME + Buffer.from(JSON.stringify(presented)).toString('base64url');
}

/** Reads that header. @throws {CredentialError} CREDENTIAL_MALFORMED */
export function parsePresented(header: string): Presented {
  try {
    const json = JSON.parse(Buffer.from(parseBase64url(header.slice(SCHEME.length))).toString('utf8')) as Record<
      keyof Presented,
      unknown
    >;
    const { statement, signature, challenge, proof } = json;
    if (
      header.startsWith(SCHEME) &&
      typeof statement === 'string' &&
      typeof signature === 'string' &&
      typeof challenge === 'string' &&
      typeof proof === 'string'
    )
      return { statement, signature, challenge, proof };
  } catch (cause) {
    throw new CredentialError('CREDENTIAL_MALFORMED', 'What was presented is not a credential.', { cause });
  }
  throw new CredentialError('CREDENTIAL_MALFORMED', 'What was presented is not a credential.');
}

/** Whether the holder of the key signed this request over this challenge. */
export function isProvedBy(x: string, { challenge, proof }: Presented, request: SignedRequest): boolean {
  try {
    return verifyEd25519(parseBase64url(proof), provedText(challenge, request), parseBase64url(x));
  } catch {
    return false;
  }
}

/** The challenges that are out. They are gone with the process, as they should be. */
export class Challenges {
  readonly #open = new Map<string, number>();
  readonly #timers: Pick<Timers, 'monotonicMs'>;

  constructor(timers: Pick<Timers, 'monotonicMs'>) {
    this.#timers = timers;
  }

  /** 32 random bytes in base64url, good once and for a minute. */
  issue(): string {
    const challenge = randomBytes(32).toString('base64url');
    const nowMs = this.#timers.monotonicMs();
    for (const [old, until] of this.#open) {
      if (until > nowMs && this.#open.size < MAX_OPEN) break;
      this.#open.delete(old);
    }
    this.#open.set(challenge, nowMs + TTL_MS);
    return challenge;
  }

  /** Whether the challenge was out until now; it is used up by asking. */
  redeem(challenge: string): boolean {
    const until = this.#open.get(challenge);
    this.#open.delete(challenge);
    return until !== undefined && until > this.#timers.monotonicMs();
  }
}

function provedText(challenge: string, { method, path, body }: SignedRequest): Uint8Array {
  const digest = body === undefined ? '-' : bytesToHex(sha256(body));
  return utf8ToBytes(`rogatory-act/v1\n${challenge}\n${method} ${path}\n${digest}`);
}
