/**
 * Every step after which the disk or a peer knows something new, by name. A test hands in a function that ends the process at one of
 * them; a node in service has one that does nothing.
 */
export const FAILPOINTS = [
  /** The ledger was hashed again at the start; its checkpoint is not stored again yet. */
  'ledger.open.rehashed',
  'ledger.open.checkpoint-stored',
  'ledger.open.head-replaced',
  /** Nothing of the batch is on disk. */
  'ledger.append.begun',
  /** Entries and state are on disk; no checkpoint covers them. */
  'ledger.append.committed',
  /** The checkpoint is stored; the head outside the store is the old one. */
  'ledger.append.head-written',
  /** A commit is in the journal, and perhaps not on disk. */
  'store.written',
  /** What an earlier journal came to is written again; the earlier one is still there. */
  'store.rewritten',
  /** A segment of the journal is full, and the next one begun. */
  'store.turned-over',
  /** A part of what a segment came to is in the tables. */
  'store.settling',
  /** All of it is; what it replaced has not been overwritten. */
  'store.settled',
  /** It has been, and the tables do not say so. */
  'store.erased',
  /** Steps are planned, nothing is written. */
  'commit.planned',
  /** A batch without ledger entries is on disk. */
  'commit.stored',
  /** Everything is on disk, and nobody was told. */
  'commit.durable',
  /** A message is queued, and whoever sent it was not told. */
  'send.queued',
  /** The node has written down that messages may leave from now on. */
  'deliver.marked',
  'deliver.sending',
  'deliver.sent',
  /** A peer's message is here, unopened. */
  'receive.arrived',
  /** It is opened and verified, and nothing is written. */
  'receive.opened',
  /** It is applied and on disk, and the peer was not told. */
  'receive.committed',
  'receipt.sending',
  'receipt.sent',
  'receipt.arrived',
  'receipt.held',
  /** A message is given up, and nobody was told. */
  'void.committed',
  /** A peer's checkpoint is about to be cosigned: the promise is on disk, the signature not sent. */
  'witness.committed',
  'witness.cosigned',
  'hello.sending',
  'hello.agreed',
  /** After a loss: an entry that a peer gave back is on disk. */
  'recovery.committed',
  /** The node has committed to what the peer held, and the peer was not told. */
  'resume.committed',
  /** The peer follows into the new epoch, and has not recorded the incident. */
  'resume.followed',
  /** The last checkpoint was published, and the store is still open. */
  'stop.drained',
  /** A file that a person gave is sealed and in its place, and no record names it. */
  'evidence.added',
  /** A chunk has left this node. */
  'evidence.chunk-sent',
  /** A chunk was opened and is on its way to the disk. */
  'evidence.chunk-taken',
  /** A whole file is in its place, and the ledger does not say so. */
  'evidence.taken-over',
  /** The ledger says so, and the sender was not told. */
  'evidence.recorded',
  'evidence.done-sent',
  /** The sender has written down that the file arrived, and the recipient was not told so. */
  'evidence.held',
  'evidence.settled',
  /** The plaintext was compared with what was announced, and that is written down. */
  'evidence.compared',
] as const;

/** Name of a step. */
export type FailpointName = (typeof FAILPOINTS)[number];

/** Told of each step as it is reached. */
export type Failpoint = (name: FailpointName) => void;

/** What a node in service has. */
export const noFailpoint: Failpoint = () => undefined;
