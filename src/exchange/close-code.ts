/**
 * Why a session is closed: WebSocket close codes 4000 to 4099, each with one meaning. A peer learns the code and its name, nothing of
 * the inside.
 */
export const CLOSE_CODES = {
  /** A frame that is not a canonical Frame, or not binary. */
  FRAME_INVALID: 4000,
  /** Something else than a Hello came first, or a second Hello. */
  HELLO_EXPECTED: 4001,
  /** The Hellos do not agree on protocol, schema or who is speaking. */
  HELLO_DISAGREES: 4002,
  /** Another session between the two nodes stays. */
  SESSION_DUPLICATE: 4003,
  /** The same manifest version with different content. */
  MANIFEST_MISMATCH: 4004,
  /** A newer manifest was accepted: connect again under it. */
  MANIFEST_UPDATED: 4005,
  /** The offered manifest is not acceptable. */
  MANIFEST_REFUSED: 4006,
  /** A checkpoint that does not verify. */
  CHECKPOINT_INVALID: 4007,
  /** A checkpoint that contradicts one signed before: a fork or a rollback. */
  LEDGER_CONTRADICTION: 4008,
  /** A Deliver that is not from the session's peer, or not for this node. */
  ENVELOPE_MISMATCH: 4009,
  /** A Deliver whose entry or proof does not verify. */
  PROOF_INVALID: 4010,
  /** A Deliver whose sequence number leaves a gap. */
  SEQUENCE_GAP: 4011,
  /** A Deliver that contradicts one received before. */
  DELIVERY_CONTRADICTION: 4012,
  /** More unanswered Delivers than the credit. */
  CREDIT_EXCEEDED: 4013,
  /** A receipt that does not verify or answers nothing that was sent. */
  RECEIPT_INVALID: 4014,
  /** No receipt came in time. */
  RECEIPT_OVERDUE: 4015,
  /** The peer does not read what is sent to it, or does not answer pings. */
  PEER_UNRESPONSIVE: 4016,
  /** The peer is not an active member under the manifest in force. */
  NOT_A_MEMBER: 4017,
  /** The node is shutting down. */
  GOING_AWAY: 4018,
  /** The node failed. */
  NODE_FAILED: 4019,
  /** A cosignature that does not verify, states a time at which its key is not valid, or that nobody asked for. */
  COSIGNATURE_INVALID: 4020,
  /** This node's manifest is newer, and it does not hold the one that follows the peer's. */
  MANIFEST_UNAVAILABLE: 4030,
  /** The peer's manifest is newer, and the version that follows this node's did not come in time. */
  MANIFEST_OVERDUE: 4040,
  /** The side that closes has another TLS certificate now: connect again. */
  CERTIFICATE_CHANGED: 4031,
  /** What was said of a new epoch of a ledger does not prove it, or something else came before it was settled. */
  EPOCH_INVALID: 4035,
  /** A proof of arrival that does not verify, or is about no file that was offered. */
  EVIDENCE_RECEIPT_INVALID: 4025,
} as const;

/** Names of the close codes. */
export type CloseReason = keyof typeof CLOSE_CODES;
