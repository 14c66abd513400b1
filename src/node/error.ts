import { RogatoryError } from '../base/mod.ts';

/** What can stand in the way of setting up or starting a node. */
export type NodeErrorCode =
  /** A file is not a backup, or bytes of it were changed. */
  | 'NODE_BACKUP_INVALID'
  /** A head that was given is not one that this node’s ledger has signed. */
  | 'NODE_HEAD_INVALID'
  /** A new epoch of the ledger is not the way on: nothing is lost, or the store is another history. */
  | 'NODE_EPOCH_REFUSED'
  /** Another command is at work in the council's folder, or makes a node in this one. */
  | 'NODE_FOLDER_BUSY'
  /** The folder holds a node already. */
  | 'NODE_EXISTS'
  /** The folder holds no node, or only part of one. */
  | 'NODE_INCOMPLETE'
  /** No federation manifest has been given to the node yet. */
  | 'NODE_MANIFEST_MISSING'
  /** The manifest in the folder is not acceptable. */
  | 'NODE_MANIFEST_REFUSED'
  /** An enrolment is malformed, or does not prove possession of its keys. */
  | 'NODE_ENROLMENT_REFUSED'
  /** The jurisdiction's own PKI issues certificates, not this node. */
  | 'NODE_NO_AUTHORITY'
  /** A key update is malformed, or not shown to be the member's. */
  | 'NODE_UPDATE_REFUSED'
  /** A certificate is not one that peers would accept from this node; the message says why. */
  | 'NODE_CERTIFICATE_REFUSED'
  /** The manifest does not list this node with its own keys. */
  | 'NODE_NOT_A_MEMBER'
  /** The PKCS #11 module, its token or the package that speaks to it is not there. */
  | 'NODE_TOKEN_UNAVAILABLE'
  /** The token refuses the PIN, or has locked it. */
  | 'NODE_TOKEN_PIN'
  /** The token refused to do something, or no longer has a key. */
  | 'NODE_TOKEN_FAILED'
  /** The address for metrics cannot be used. */
  | 'NODE_METRICS_LISTEN_FAILED'
  /** A part of the ledger was asked for that is not one: not an index, a time, a member or a case. */
  | 'NODE_SELECTION_INVALID';

/** A node that cannot be made or started. */
export class NodeError extends RogatoryError<NodeErrorCode> {}
