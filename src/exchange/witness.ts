/**
 * Witnessing, both ways over one session: this node asks the peer to cosign its checkpoints, and cosigns the peer's. A witness that has
 * cosigned one history does not cosign another, and keeps the proof: both heads, signed by the ledger that they contradict.
 */
import { bytesToBase64url, equalBytes, type JurisdictionCode } from '../base/mod.ts';
import {
  cosign,
  cosignatureLine,
  parseCheckpointNote,
  verifyCheckpoint,
  verifyConsistency,
  verifyCosignature,
  type Checkpoint,
  type TreeHead,
  type VerifierKey,
} from '../ledger/mod.ts';
import { keysAt, witnessKeysOf, type Member } from '../trust/mod.ts';
import type { Cosignature, WitnessOffer } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { recordIncident } from './incident.ts';
import type { PeerLink } from './link.ts';
import { isForked, lastCheckpoint, noteCheckpoint } from './peer-head.ts';
import {
  NEW_PEER,
  decodeRecord,
  keys,
  type CosignedRecord,
  type PeerRecord,
  type WitnessedHeadRecord,
  type WitnessedRecord,
} from './record.ts';

/** What came of an offer by the peer. */
type Judgement =
  | { readonly is: 'cosigned'; readonly index: number | undefined }
  | { readonly is: 'start from'; readonly size: number }
  | { readonly is: 'contradiction'; readonly kind: 'FORKED_LEDGER' | 'ROLLED_BACK_LEDGER'; readonly other: string };

/** The witnessing of one session. */
export class SessionWitness {
  readonly #context: ExchangeContext;
  readonly #link: PeerLink;
  readonly #intervalMs: number;
  readonly #onFailure: (error: unknown) => void;
  #offered: Checkpoint | undefined;
  #isPreparing = false;
  // Where the peer said that it stands, when that was not where this node had begun; forgotten when it has cosigned from there.
  #stated: number | undefined;
  #isAgain = false;
  #lastOfferAt = -Infinity;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: {
    readonly context: ExchangeContext;
    readonly link: PeerLink;
    /** Least time between two offers; infinite for none at all. */
    readonly intervalMs: number;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#context = options.context;
    this.#link = options.link;
    this.#intervalMs = options.intervalMs;
    this.#onFailure = options.onFailure;
  }

  /** The ledger has grown, or the session has begun: offers the checkpoint as soon as the interval allows. */
  wake(): void {
    if (this.#stopped || this.#cancel !== undefined || !Number.isFinite(this.#intervalMs)) return;
    const { timers } = this.#context;
    const wait = Math.max(0, this.#lastOfferAt + this.#intervalMs - timers.monotonicMs());
    this.#cancel = timers.after(wait, () => {
      this.#cancel = undefined;
      this.#isAgain = false;
      this.#offer().catch(this.#onFailure);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Judges a checkpoint of the peer's; what is cosigned is on disk before the answer leaves. */
  async onOffer(offer: WitnessOffer): Promise<void> {
    const { peer } = this.#link;
    const { code, committer, directory, clock, verifyCheckpoint: verify, witness } = this.#context;
    if (directory.member(peer) === undefined) return;
    const verified = verifyCheckpoint(offer.checkpoint, directory.ledgerKeys(peer, clock.nowMs()), verify);
    if (!verified.ok) {
      this.#link.close('CHECKPOINT_INVALID');
      return;
    }
    const head = verified.value;
    const judgement = await committer.commit((view) => judge(view, peer, head, offer), peer);
    this.#context.failpoint('witness.committed');
    switch (judgement.is) {
      case 'cosigned': {
        const { key, sign } = witness();
        const second = statedSecond(directory.member(code), key, clock.nowMs());
        const signature = cosign(head.origin, head, second, key, sign);
        this.#link.answer({ type: 'cosignature', value: { size: head.size, signature } });
        return;
      }
      case 'start from':
        this.#link.answer({ type: 'cosignature', value: { size: judgement.size } });
        return;
      case 'contradiction': {
        const detail = `${peer} offered ${head.size} entries that do not continue what was cosigned`;
        await recordIncident(this.#context, peer, {
          kind: judgement.kind,
          detail,
          exhibits: [judgement.other, head.note],
        });
        this.#link.close('LEDGER_CONTRADICTION');
        return;
      }
      default:
        judgement satisfies never;
    }
  }

  /** Takes the peer's answer to an offer of this node's. */
  async onCosignature({ size, signature }: Cosignature): Promise<void> {
    const head = this.#offered;
    this.#offered = undefined;
    const { peer } = this.#link;
    const { committer, directory, clock, verifyCheckpoint: verify, ledger } = this.#context;
    const member = directory.member(peer);
    if (head === undefined || member === undefined) {
      this.#link.close('COSIGNATURE_INVALID');
      return;
    }
    if (signature === undefined) {
      // The peer remembers another size than this node does: start from there, if this ledger has ever been there. At once, but once: one
      // that is never content would be offered as fast as it answers.
      if (size > ledger.size) return;
      this.#stated = size;
      if (this.#isAgain) {
        this.wake();
        return;
      }
      this.#isAgain = true;
      await this.#offer();
      return;
    }
    const verified = verifyCosignature(
      signature,
      head.origin,
      head,
      directory.witnessKeys(peer, clock.nowMs()),
      verify,
    );
    // The peer says when it signed, and an auditor judges the key by that: what they would not believe is no cosignature.
    const then = verified.ok ? keysAt(witnessKeysOf(member), verified.value.timeS * 1000) : [];
    if (size !== head.size || !verified.ok || !then.some(({ id }) => equalBytes(id, verified.value.key.id))) {
      this.#link.close('COSIGNATURE_INVALID');
      return;
    }
    const record: CosignedRecord = { size, signature, time: verified.value.timeS };
    await committer.commit((view) => {
      view.putRecord(keys.cosigned(peer), record);
      return Promise.resolve();
    }, peer);
    this.#stated = undefined;
    this.#context.failpoint('witness.cosigned');
    await publishCosignatures(this.#context);
    this.wake();
  }

  /** Offers the checkpoint, from where the peer said that it stands or else from what it cosigned last. */
  async #offer(): Promise<void> {
    // An answer does not say which offer it is about, so there is one at a time, however long its answer takes: nothing is lost within a
    // session. What has grown meanwhile is offered after it.
    if (this.#isPreparing || this.#offered !== undefined) return;
    this.#isPreparing = true;
    let offer: WitnessOffer | undefined;
    try {
      offer = await this.#prepare(this.#stated);
    } finally {
      this.#isPreparing = false;
    }
    if (offer !== undefined) await this.#link.send({ type: 'witness_offer', value: offer });
  }

  async #prepare(from: number | undefined): Promise<WitnessOffer | undefined> {
    const { committer, ledger, timers } = this.#context;
    const oldSize = from ?? (await this.#cosigned())?.size ?? 0;
    if (this.#stopped || (from === undefined && committer.grownTo <= oldSize)) return undefined;
    const { checkpoint, path } = await ledger.continuation(Math.min(oldSize, ledger.size));
    this.#lastOfferAt = timers.monotonicMs();
    this.#offered = checkpoint;
    return { checkpoint: checkpoint.note, old_size: oldSize, proof: path };
  }

  async #cosigned(): Promise<CosignedRecord | undefined> {
    const bytes = await this.#context.store.get(keys.cosigned(this.#link.peer));
    return bytes === undefined ? undefined : decodeRecord<CosignedRecord>(bytes);
  }
}

/** Every peer's last cosignature, as published with the checkpoint that it is about. */
export async function cosignaturesOf(
  context: Pick<ExchangeContext, 'store'>,
): Promise<(CosignedRecord & { readonly peer: JurisdictionCode })[]> {
  const found: (CosignedRecord & { readonly peer: JurisdictionCode })[] = [];
  for await (const [key, bytes] of context.store.scan('cosigned/')) {
    found.push({ peer: key.slice('cosigned/'.length) as JurisdictionCode, ...decodeRecord<CosignedRecord>(bytes) });
  }
  return found;
}

/** A cosignature states whole seconds, and a key is judged at the beginning of the one stated: where it began within it, that is the next. */
function statedSecond(own: Member | undefined, { id }: VerifierKey, nowMs: number): number {
  const listed = own && witnessKeysOf(own).find(({ key }) => equalBytes(key.id, id));
  return Math.max(Math.floor(nowMs / 1000), Math.ceil((listed?.not_before ?? 0) / 1000));
}

/** Puts the newest cosignatures beside the published checkpoint. */
export async function publishCosignatures(context: ExchangeContext): Promise<void> {
  const all = await cosignaturesOf(context);
  const size = Math.max(-1, ...all.map((record) => record.size));
  const lines = all.flatMap(({ peer, size: own, signature }) => {
    const name = own === size ? context.directory.member(peer)?.witness.name : undefined;
    return name === undefined ? [] : [cosignatureLine(name, signature)];
  });
  context.ledger.setCosignatures(size, lines);
}

async function judge(
  view: StepView,
  peer: JurisdictionCode,
  head: Checkpoint,
  offer: WitnessOffer,
): Promise<Judgement> {
  const prior = await view.getRecord<WitnessedRecord>(keys.witnessed(peer));
  const known = (await view.getRecord<PeerRecord>(keys.peer(peer))) ?? NEW_PEER;
  const seen = lastCheckpoint(known);
  if (seen !== undefined && isForked(seen, head))
    return { is: 'contradiction', kind: 'FORKED_LEDGER', other: seen.note };
  if (prior !== undefined) {
    if (head.size < prior.size) return { is: 'contradiction', kind: 'ROLLED_BACK_LEDGER', other: prior.note };
    if (offer.old_size !== prior.size) return { is: 'start from', size: prior.size };
    const before: TreeHead = parseCheckpointNote(prior.note);
    // From an empty tree nothing can be proved, and nothing needs to be: it has no history.
    const continues = before.size === 0 ? offer.proof.length === 0 : verifyConsistency(before, head, offer.proof);
    if (!continues) return { is: 'contradiction', kind: 'FORKED_LEDGER', other: prior.note };
    if (head.size === prior.size) return { is: 'cosigned', index: undefined };
  } else if (offer.old_size !== 0) {
    return { is: 'start from', size: 0 };
  }
  view.putRecord(keys.witnessed(peer), { size: head.size, note: head.note } satisfies WitnessedRecord);
  view.putRecord(keys.peer(peer), noteCheckpoint(known, head));
  const { index, time } = view.append({
    kind: 'WITNESSED',
    peer,
    seq: 0,
    detail: { type: 'witnessed', value: { checkpoint: head.note } },
  });
  const record: WitnessedHeadRecord = { root: bytesToBase64url(head.root), time };
  view.putRecord(keys.witnessedHead(peer, head.size), record);
  return { is: 'cosigned', index };
}
