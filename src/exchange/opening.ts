/**
 * Opens a delivered message and checks every binding, in the order that costs an attacker most and the node least. Each check has its
 * own reason; the peer learns the reason and nothing more.
 */
import { accept, equalBytes, isoTime, refuse, type JurisdictionCode, type Suite, type Verdict } from '../base/mod.ts';
import { contentFaults } from '../casework/mod.ts';
import { CLOCK_TOLERANCE_MS } from '../trust/mod.ts';
import { permittedSuite } from './permitted-suite.ts';
import { openMessage, verifyMessage, type SealingReason } from '../sealing/mod.ts';
import {
  MAX_PAYLOAD_BYTES,
  SCHEMA_VERSION,
  WireError,
  parseMessage,
  type Deliver,
  type LedgerEntry,
  type Message,
  type Reason,
} from '../wire/mod.ts';
import type { Member } from '../trust/mod.ts';
import type { ExchangeContext } from './context.ts';
import { evidenceFaults, returnFaults } from './evidence-content.ts';
import type { ProvedEntry } from './peer-entry.ts';
import { wasWitnessedBefore } from './witnessed.ts';

/** A message that was opened, verified and is bound to its envelope. */
export interface OpenedDelivery {
  readonly jws: string;
  readonly message: Message;
  readonly suite: Suite;
}

/** What came of opening a delivery; a message under a revoked key is refused, and kept for people to read. */
export type Opening = Verdict<OpenedDelivery, Reason> & { readonly quarantined?: OpenedDelivery };

/** @param proved the sender's SENT entry, already verified to be in the sender's ledger and about this envelope */
export async function openDelivery(context: ExchangeContext, deliver: Deliver, proved: ProvedEntry): Promise<Opening> {
  const bound = openBound(context, deliver, proved.entry);
  if (!bound.ok) return bound;
  const opened = bound.value;
  const { header } = opened.message;
  const least = await permittedSuite(context, header);
  if (opened.suite < least) return refuse('SUITE_TOO_LOW', `sealed in suite ${opened.suite}, not ${least}`);
  // The key decides when it was valid, and the time is inside what it signs: the signature comes first, the time afterwards.
  const objection = context.directory.signKeyObjection(opened.member, opened.kid, header.issued_at);
  if (objection !== undefined && objection !== 'KEY_REVOKED') return refuse('SIGNING_KEY_NOT_VALID', objection);
  const revokedAtMs = context.directory.revokedAt(opened.member, opened.kid);
  const nowMs = context.clock.nowMs();
  // Whoever stole a key can write any date into what it signs. Only what this node has itself seen in the sender's ledger before the
  // revocation is believed under the key after it.
  const isSuspect = revokedAtMs !== undefined && revokedAtMs <= nowMs;
  if (objection === 'KEY_REVOKED' || isSuspect) {
    const isOld =
      objection === undefined && (await wasWitnessedBefore(context, opened.member.code, proved, revokedAtMs!));
    const detail = `key ${opened.kid} is revoked from ${isoTime(revokedAtMs!)} on`;
    if (!isOld) return { ...refuse('SIGNING_KEY_REVOKED', detail), quarantined: opened };
  }
  // A queued message may be days old, but nobody signs in the future.
  if (header.issued_at > nowMs + CLOCK_TOLERANCE_MS) return refuse('ISSUED_IN_FUTURE', `issued at ${header.issued_at}`);
  if (header.expires_at !== 0 && header.expires_at <= nowMs)
    return refuse('EXPIRED', `expired at ${header.expires_at}`);
  const { body } = opened.message;
  const [fault] = [
    ...contentFaults(body, header),
    ...evidenceFaults(body, context.directory),
    ...returnFaults(body, header.from, context.directory),
  ];
  return fault === undefined ? accept(opened) : refuse('FIELD_INVALID', `${fault.path} ${fault.message}`);
}

/** A message opened without a look at the time. */
export interface BoundDelivery extends OpenedDelivery {
  readonly member: Member;
  /** The key that signed. */
  readonly kid: string;
}

/** Everything that does not depend on when: seal, signature, and what the header says of itself. */
export function openBound(
  context: ExchangeContext,
  deliver: Deliver,
  sent: LedgerEntry,
): Verdict<BoundDelivery, Reason> {
  const opened = openMessage(deliver.sealed ?? '', context.decryptKey, deliver);
  if (!opened.ok) return refuse(reasonOf(opened.reason), opened.detail);
  const { jws, kid: recipientKid, suite } = opened.value;

  const member = context.directory.member(deliver.from as JurisdictionCode);
  if (member === undefined) return refuse('SIGNING_KEY_UNKNOWN', `${deliver.from} is no longer a member`);
  const verified = verifyMessage(jws, (kid) => context.directory.signKey(member, kid));
  if (!verified.ok) return refuse(reasonOf(verified.reason), verified.detail);
  if (!equalBytes(verified.value.signedDigest, sent.signed_digest!)) {
    return refuse('SIGNED_DIGEST_MISMATCH', 'the JWS is not the one in the SENT entry');
  }
  if (verified.value.payload.length > Math.min(MAX_PAYLOAD_BYTES, context.limits.max_message_bytes)) {
    return refuse('PAYLOAD_TOO_LARGE', `${verified.value.payload.length} bytes`);
  }
  const parsed = parsePayload(verified.value.payload);
  if (!parsed.ok) return parsed;
  const { header } = parsed.value;
  if (header.schema_version !== SCHEMA_VERSION) return refuse('SCHEMA_UNSUPPORTED', `schema ${header.schema_version}`);
  if (header.from !== deliver.from) return refuse('SENDER_MISMATCH', `header from ${header.from}`);
  if (header.to !== context.code) return refuse('RECIPIENT_MISMATCH', `header to ${header.to}`);
  if (header.recipient_kid !== recipientKid)
    return refuse('RECIPIENT_KEY_MISMATCH', `header names key ${header.recipient_kid}`);
  if (header.message_id !== deliver.message_id) return refuse('MESSAGE_ID_MISMATCH', `header id ${header.message_id}`);
  if (header.seq !== deliver.seq) return refuse('SEQ_MISMATCH', `header seq ${header.seq}`);
  return accept({ jws, message: parsed.value, suite, member, kid: verified.value.kid });
}

function parsePayload(payload: Uint8Array): Verdict<Message, Reason> {
  try {
    return accept(parseMessage(payload));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return refuse(error.code === 'WIRE_FIELDS_INVALID' ? 'FIELD_INVALID' : 'PAYLOAD_MALFORMED', error.message);
  }
}

/** The one place where the sealing room's reasons become the protocol's. */
function reasonOf(reason: SealingReason): Reason {
  switch (reason) {
    case 'TOO_LARGE':
      return 'PAYLOAD_TOO_LARGE';
    case 'JWE_MALFORMED':
      return 'SEALED_MALFORMED';
    case 'JWE_KEY_UNKNOWN':
      return 'RECIPIENT_KEY_UNKNOWN';
    case 'JWE_DECRYPT_FAILED':
      return 'SEALED_UNDECRYPTABLE';
    case 'JWE_PARTY_INVALID':
      return 'SEALED_PARTY_MISMATCH';
    case 'JWS_MALFORMED':
      return 'SIGNED_MALFORMED';
    case 'JWS_KEY_UNKNOWN':
      return 'SIGNING_KEY_UNKNOWN';
    case 'JWS_SIGNATURE_INVALID':
      return 'SIGNATURE_INVALID';
    default:
      return reason satisfies never;
  }
}
