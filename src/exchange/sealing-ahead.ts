import type { JurisdictionCode, Suite } from '../base/mod.ts';
import { agreeWith, sealUnder, type Agreement, type SealedMessage, type Sealing } from '../sealing/mod.ts';

interface Ready {
  readonly kid: string;
  readonly suite: Suite | undefined;
  readonly agreement: Agreement;
}

/**
 * Seals messages, and agrees on the content key of each peer's next one while this one is on its way: that is half of what sealing takes,
 * and a message that is alone does not wait for it.
 */
export class SealingAhead {
  readonly #ready = new Map<JurisdictionCode, Ready>();
  readonly #coming = new Set<JurisdictionCode>();

  /** @throws {TypeError} for suite 2 and a key without ML-KEM */
  seal(jws: string, sealing: Sealing): SealedMessage {
    const { to, key, suite } = sealing;
    const ready = this.#ready.get(to);
    // Used once: the ephemeral key of a message is that message's own.
    this.#ready.delete(to);
    const isForThis = ready?.kid === key.kid && ready.suite === suite;
    const sealed = sealUnder(isForThis ? ready.agreement : agreeWith(sealing), jws);
    this.#agreeSoon(sealing);
    return sealed;
  }

  #agreeSoon(sealing: Sealing): void {
    const { to, key, suite } = sealing;
    if (this.#coming.has(to)) return;
    this.#coming.add(to);
    setImmediate(() => {
      this.#coming.delete(to);
      this.#ready.set(to, { kid: key.kid, suite, agreement: agreeWith(sealing) });
    }).unref();
  }
}
