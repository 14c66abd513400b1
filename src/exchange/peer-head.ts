/** What this node remembers of its peers' ledgers: the largest head seen, to notice a peer whose history changed. */
import { TransientMap, equalBytes } from '../base/mod.ts';
import { parseCheckpointNote, type Checkpoint } from '../ledger/mod.ts';
import type { PeerRecord } from './record.ts';

/** The record with the larger of two heads of one epoch: that the peer has begun another is noted when it is settled, and not before. */
export function noteCheckpoint(peer: PeerRecord, checkpoint: Checkpoint): PeerRecord {
  const seen = lastCheckpoint(peer);
  const isNews = seen === undefined || (seen.origin === checkpoint.origin && seen.size < checkpoint.size);
  const { sent_seq, received_seq } = peer;
  return isNews ? { sent_seq, received_seq, checkpoint: checkpoint.note } : peer;
}

/** The largest head seen of the peer. It was verified before it was stored. */
export function lastCheckpoint(peer: PeerRecord): Checkpoint | undefined {
  return peer.checkpoint === undefined ? undefined : readNote(peer.checkpoint);
}

// The receipts of a batch all ask for the same few heads.
const MAX_READ = 256;
const read = new TransientMap<string, Checkpoint>();

function readNote(note: string): Checkpoint {
  const known = read.get(note);
  if (known !== undefined) return known;
  const checkpoint = parseCheckpointNote(note);
  if (read.size >= MAX_READ) read.clear();
  read.set(note, checkpoint);
  return checkpoint;
}

/** Whether two heads of one ledger contradict each other by themselves: one size, two roots. */
export function isForked(a: Checkpoint, b: Checkpoint): boolean {
  return a.size === b.size && !equalBytes(a.root, b.root);
}
