import type { JurisdictionCode, Suite } from '../base/mod.ts';
import { agreeWith, sealUnder, type Agreement, type SealedMessage, type Sealing } from '../sealing/mod.ts';

/** What is there for the next message to a peer. */
interface Ahead {
  ready: { readonly kid: string; readonly suite: Suite | undefined; readonly agreement: Agreement } | undefined;
  isComing: boolean;
}

/**
 * Seals messages, and agrees on the content key of each peer's next one while this one is on its way: that is half of what sealing takes,
 * and a message that is alone does not wait for it.
 */
export class SealingAhead {
  readonly #peers = new Map<JurisdictionCode, Ahead>();

  /** @throws {TypeError} for suite 2 and a key without ML-KEM */
  seal(jws: string, sealing: Sealing): SealedMessage {
    const { to, key, suite } = sealing;
    const ahead = this.#peers.get(to) ?? { ready: undefined, isComing: false };
    this.#peers.set(to, ahead);
    const { ready } = ahead;
    // Used once: the ephemeral key of a message is that message's own.
    ahead.ready = undefined;
    const isForThis = ready?.kid === key.kid && ready.suite === suite;
    const sealed = sealUnder(isForThis ? ready.agreement : agreeWith(sealing), jws);
    if (!ahead.isComing) agreeSoon(ahead, sealing);
    return sealed;
  }
}

function agreeSoon(ahead: Ahead, sealing: Sealing): void {
  const { key, suite } = sealing;
  ahead.isComing = true;
  setImmediate(() => {
    ahead.isComing = false;
    ahead.ready = { kid: key.kid, suite, agreement: agreeWith(sealing) };
  }).unref();
}
