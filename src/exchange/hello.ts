/** The first frame each way: what both sides must agree on, and the heads that each has seen of the other's ledger. */
import { accept, equalBytes, refuse, type JurisdictionCode, type Verdict } from '../base/mod.ts';
import {
  LedgerError,
  epochKeysOf,
  epochOf,
  verifyCheckpoint,
  type Checkpoint,
  type LedgerReason,
  type VerifierKey,
} from '../ledger/mod.ts';
import { PROTOCOL_VERSION, SCHEMA_VERSION, type Hello } from '../wire/mod.ts';
import type { CloseReason } from './close-code.ts';
import type { ExchangeContext } from './context.ts';
import { recordIncident } from './incident.ts';
import { ownLedgerKeysOf } from './own-key.ts';
import { isForked, lastCheckpoint, noteCheckpoint } from './peer-head.ts';
import { NEW_PEER, decodeRecord, keys, type PeerRecord } from './record.ts';

/** Whose manifest is newer, once nothing else stands against the session. */
export type HelloAgreement = 'SAME' | 'OURS_NEWER' | 'THEIRS_NEWER';

/** What stands between two Hellos that agree and the exchange: a ledger that has begun again since the other side saw it. */
export interface ResumeNeed {
  /** The head of this node's own former epoch that the peer holds, if it does not know the present one. */
  readonly ours?: Checkpoint | undefined;
  /** Whether the peer's ledger has begun an epoch that this node does not know yet. */
  readonly theirs: boolean;
}

/** What two Hellos come to. */
export interface HelloOutcome {
  readonly manifest: HelloAgreement;
  readonly resume: ResumeNeed;
}

/** The Hello to a peer. */
export async function makeHello(context: ExchangeContext, peer: JurisdictionCode): Promise<Hello> {
  const seen = await seenCheckpoint(context, peer);
  return {
    protocol: PROTOCOL_VERSION,
    code: context.code,
    schema_version: SCHEMA_VERSION,
    manifest_version: context.directory.manifest.version,
    manifest_digest: context.directory.digest,
    checkpoint: context.ledger.checkpoint.note,
    peer_checkpoint: seen?.note,
    clock: context.clock.nowMs(),
    limits: context.limits,
  };
}

/** The largest head seen of a peer's ledger. */
export async function seenCheckpoint(
  context: ExchangeContext,
  peer: JurisdictionCode,
): Promise<Checkpoint | undefined> {
  const record = await context.store.get(keys.peer(peer));
  return record === undefined ? undefined : lastCheckpoint(decodeRecord<PeerRecord>(record));
}

/**
 * Judges a peer's Hello.
 * @param seenBefore the head seen before the session was opened: one seen since may rightly be larger than the Hello's
 * @throws {LedgerError} LEDGER_ROLLED_BACK, LEDGER_FORKED when the peer holds a head that this node signed and no longer has: the node
 * must stop
 */
export async function verifyHello(
  context: ExchangeContext,
  peer: JurisdictionCode,
  hello: Hello,
  seenBefore: Checkpoint | undefined,
): Promise<Verdict<HelloOutcome, CloseReason>> {
  if (hello.protocol !== PROTOCOL_VERSION || hello.schema_version !== SCHEMA_VERSION || hello.code !== peer) {
    return refuse('HELLO_DISAGREES', `protocol ${hello.protocol}, schema ${hello.schema_version}, code ${hello.code}`);
  }
  const { manifest, digest } = context.directory;
  if (hello.manifest_version === manifest.version && !equalBytes(hello.manifest_digest, digest)) {
    return refuse('MANIFEST_MISMATCH', `another manifest of version ${manifest.version}`);
  }
  if (context.directory.member(peer)?.status !== 'ACTIVE')
    return refuse('NOT_A_MEMBER', `${peer} is not an active member`);
  const theirs = await judgeTheirHead(context, peer, hello, seenBefore);
  if (!theirs.ok) return theirs;
  const ours = await judgeShownHead(context, hello);
  if (!ours.ok) return ours;
  const resume = { ours: ours.value, theirs: theirs.value };
  if (hello.manifest_version === manifest.version) return accept({ manifest: 'SAME', resume });
  return accept({ manifest: hello.manifest_version < manifest.version ? 'OURS_NEWER' : 'THEIRS_NEWER', resume });
}

/** @returns whether the head is of an epoch that this node does not know yet, and so says nothing until the peer has proved how it began */
async function judgeTheirHead(
  context: ExchangeContext,
  peer: JurisdictionCode,
  { checkpoint: note, manifest_version: version }: Hello,
  seenBefore: Checkpoint | undefined,
): Promise<Verdict<boolean, CloseReason>> {
  const listed = context.directory.listedLedgerKeys(peer, context.clock.nowMs());
  const named = epochKeysOf(note, listed);
  const verified = verifyCheckpoint(note, named?.keys ?? listed, context.verifyCheckpoint);
  if (!verified.ok) {
    // Under a newer manifest the peer may sign with a key that this node has still to hear of, under an older one with a key whose end the peer
    // has still to hear of. Such a session moves manifests and nothing else; the one after it judges the head.
    const isOfAnotherManifest = version !== context.directory.manifest.version;
    if (isOfAnotherManifest && verified.reason === 'NOTE_UNSIGNED') return accept(false);
    return refuse('CHECKPOINT_INVALID', verified.detail);
  }
  const head = verified.value;
  const seen = await seenCheckpoint(context, peer);
  const known = seen === undefined ? named!.epoch : epochOf(seen.origin, listed[0]!.name)!;
  context.directory.follow(peer, known);
  if (named!.epoch > known) return accept(true);
  const comparable = [seen, seenBefore].filter((other) => other?.origin === head.origin);
  const forkedFrom = comparable.find((other) => isForked(other!, head));
  const hasLeft = named!.epoch < known;
  const rolledBack = seenBefore?.origin === head.origin && seenBefore.size > head.size;
  if (forkedFrom !== undefined || rolledBack || hasLeft) {
    const kind = forkedFrom !== undefined ? 'FORKED_LEDGER' : 'ROLLED_BACK_LEDGER';
    const other = forkedFrom ?? (hasLeft ? seen! : seenBefore!);
    const after = hasLeft ? `${other.size} in a later epoch` : `${other.size}`;
    const detail = `${peer} showed ${head.size} entries after it had signed ${after}`;
    await recordIncident(context, peer, { kind, detail, exhibits: [other.note, head.note] });
    return refuse('LEDGER_CONTRADICTION', detail);
  }
  if (seen === undefined || seen.size < head.size) {
    await context.committer.commit(async (view) => {
      const record = (await view.getRecord<PeerRecord>(keys.peer(peer))) ?? NEW_PEER;
      view.putRecord(keys.peer(peer), noteCheckpoint(record, head));
    }, peer);
  }
  return accept(false);
}

/** The head of this node's own that a Hello shows. @returns a head of a former epoch */
async function judgeShownHead(
  context: ExchangeContext,
  { peer_checkpoint: note, manifest_version: version }: Hello,
): Promise<Verdict<Checkpoint | undefined, CloseReason>> {
  if (note === undefined) return accept(undefined);
  const judged = await judgeOwnHead(context, note);
  if (judged.ok) return judged;
  // A node that was put back to the time before it changed its ledger key learns of that key by the newer manifest, and is judged with it.
  const mayLearnOfKey = version > context.directory.manifest.version && judged.reason === 'NOTE_UNSIGNED';
  return mayLearnOfKey ? accept(undefined) : refuse('CHECKPOINT_INVALID', `not a head of ours: ${judged.detail}`);
}

/**
 * A head of this node's own ledger that it no longer has is the end: going on would sign a second history. One of an epoch that it has left
 * is not: what was lost is named, and asked for.
 * @param listedToo keys of this ledger that a manifest lists which is not in force yet
 * @returns a head of a former epoch
 * @throws {LedgerError} LEDGER_ROLLED_BACK, LEDGER_FORKED
 */
export async function judgeOwnHead(
  context: Pick<ExchangeContext, 'code' | 'ledger' | 'directory' | 'verifyCheckpoint'>,
  note: string,
  listedToo: readonly VerifierKey[] = [],
): Promise<Verdict<Checkpoint | undefined, LedgerReason>> {
  const { ledger } = context;
  const named = ownLedgerKeysOf(context, note, listedToo);
  const verified = verifyCheckpoint(note, named?.keys ?? ledger.key, context.verifyCheckpoint);
  if (!verified.ok) return verified;
  if (named!.epoch < ledger.epoch) return accept(verified.value);
  const { size, origin } = verified.value;
  if (named!.epoch === ledger.epoch && (await ledger.contains(verified.value))) return accept(undefined);
  await ledger.refuseFor(verified.value);
  const isBehind = named!.epoch > ledger.epoch || size > ledger.size;
  throw new LedgerError(
    isBehind ? 'LEDGER_ROLLED_BACK' : 'LEDGER_FORKED',
    `A peer holds a head of ${size} entries that this node signed as ${origin}; the ledger here has ${ledger.size} as ${ledger.key.name} ` +
      'and does not contain it. An old or another copy of the store is in use. Next: put the newest one back, or the newest backup with ' +
      '“rogatory restore”.',
  );
}
