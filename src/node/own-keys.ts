/**
 * The keys that a running node works with. The manifest decides which: the newest that it lists for this node and that has begun. Every
 * change is recorded in the ledger first, and from that entry on the new key is used.
 */
import { X509Certificate } from 'node:crypto';
import { bytesToHex, parseBase64url, sha256, type Clock } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import type { Exchange, OwnKey } from '../exchange/mod.ts';
import type { LedgerSigner } from '../ledger/mod.ts';
import {
  KEY_USES,
  memberByCode,
  type KeyProvider,
  type KeySet,
  type KeyUse,
  type Manifest,
  type SignatureKey,
  type TlsKey,
  validityObjection,
} from '../trust/mod.ts';
import { currentKeys, listedKeys, nextBeginning, type CurrentKeys } from './current-keys.ts';
import { endpointHost } from './key-rotation.ts';
import { ledgerKeyOf, ledgerSignerOf, witnessKeyOf } from './keyring.ts';

/** What the node's keys are chosen from, and by. */
export interface OwnKeysOptions {
  readonly config: NodeConfig;
  readonly keys: KeyProvider;
  readonly clock: Clock;
  readonly manifest: Manifest;
  /** The kids that the node worked with last, by its own record. */
  readonly recorded: Readonly<Record<KeyUse, string>> | undefined;
}

/** Whom a change is told, after it is in force. */
export interface OwnKeysHandlers {
  readonly onSwitch: (uses: readonly KeyUse[]) => void;
  readonly onRenewal: () => void;
  /** The present certificate goes on, and it is tried again. */
  readonly onRenewalFailed: (error: unknown) => void;
  readonly onFailure: (error: unknown) => void;
}

// A timer cannot count further than 24 days; looking again now and then costs nothing.
const LOOK_AGAIN_MS = 3_600_000;

/** Chooses, and switches when it is time. */
export class OwnKeys {
  readonly #options: OwnKeysOptions;
  #current: KeySet;
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @throws {TypeError} when the manifest does not list a key for every use: ask `currentKeys` first */
  constructor(options: OwnKeysOptions) {
    this.#options = options;
    const { recorded } = options;
    const listed = this.#listed(options.manifest);
    // Until the change is in the ledger, the key of before goes on.
    const before = <T extends { readonly kid: string }>(use: KeyUse, held: readonly T[], now: T | undefined): T =>
      held.find(({ kid }) => kid === recorded?.[use]) ?? required(now);
    const { keys } = options;
    this.#current = {
      tls: before('tls', keys.tls, listed.tls),
      sign: before('sign', keys.sign, listed.sign),
      encrypt: before('encrypt', keys.encrypt, listed.encrypt),
      ledger: before('ledger', keys.ledger, listed.ledger),
      witness: before('witness', keys.witness, listed.witness),
    };
  }

  /** The keys to use now. */
  get current(): KeySet {
    return this.#current;
  }

  /** The TLS key in use, and after it the others that the manifest allows now: what a peer knows that has not heard of the newest. */
  tlsKeys(manifest: Manifest): readonly [TlsKey, ...TlsKey[]] {
    const { config, keys, clock } = this.#options;
    const { tls } = this.#current;
    const member = memberByCode(manifest, config.code);
    const listed = member === undefined ? [] : listedKeys(config, keys, member, 'tls');
    const nowMs = clock.nowMs();
    const valid = listed.filter(({ validity }) => validityObjection(validity, nowMs) === undefined);
    return [tls, ...valid.map(({ key }) => key).filter(({ kid }) => kid !== tls.kid)];
  }

  /** Signs as the witness that this node is now. */
  get witness(): LedgerSigner {
    const key = this.#current.witness;
    return { key: witnessKeyOf(this.#options.config, key), sign: (message) => key.sign(message) };
  }

  /**
   * Looks which keys are due, switches to them, and renews the certificate when most of its life is over; now, and whenever the next key
   * begins. Call it when a manifest has come into force.
   */
  watch(exchange: Exchange, handlers: OwnKeysHandlers): Promise<void> {
    // What a session took last may be told of after the node has begun to stop.
    const turn = this.#running.then(() => (this.#stopped ? undefined : this.#look(exchange, handlers)));
    this.#running = turn.catch(() => undefined);
    return turn;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #look(exchange: Exchange, handlers: OwnKeysHandlers): Promise<void> {
    clearTimeout(this.#timer);
    const { config, keys, clock } = this.#options;
    // A key that begins while the change is being written down has its turn after it.
    const lookedAt = clock.nowMs();
    const changed = await this.#switch(exchange);
    if (changed.length > 0) handlers.onSwitch(changed);
    try {
      if (await this.#renewCertificate()) handlers.onRenewal();
    } catch (error) {
      handlers.onRenewalFailed(error);
    }
    if (this.#stopped) return;
    const begins = nextBeginning(config, keys, memberByCode(exchange.manifest, config.code), lookedAt) ?? Infinity;
    const nowMs = clock.nowMs();
    const renewal = renewalDueAt(new X509Certificate(this.#current.tls.certificate));
    this.#timer = setTimeout(
      () => {
        this.watch(exchange, handlers).catch(handlers.onFailure);
      },
      // Whatever could not be renewed when it was due is tried again with the next look.
      Math.min(LOOK_AGAIN_MS, begins - nowMs + 1, renewal > lookedAt ? renewal - nowMs + 1 : Infinity),
    );
    this.#timer.unref();
  }

  async #switch(exchange: Exchange): Promise<readonly KeyUse[]> {
    const listed = this.#listed(exchange.manifest);
    const now = this.#current;
    const next: KeySet = {
      tls: listed.tls ?? now.tls,
      sign: listed.sign ?? now.sign,
      encrypt: listed.encrypt ?? now.encrypt,
      ledger: listed.ledger ?? now.ledger,
      witness: listed.witness ?? now.witness,
    };
    const signer = ledgerSignerOf(this.#options.config, next.ledger);
    const changed = await exchange.recordOwnKeys(this.#entries(next), signer);
    this.#current = next;
    return changed;
  }

  /** The same key under a new certificate: its pin goes on, and nobody has to be asked. */
  async #renewCertificate(): Promise<boolean> {
    const { config, keys, clock } = this.#options;
    const { kid, certificate } = this.#current.tls;
    const nowMs = clock.nowMs();
    if (nowMs < renewalDueAt(new X509Certificate(certificate))) return false;
    const renewed = await keys.renewCertificate(kid, { code: config.code, host: endpointHost(config.endpoint), nowMs });
    if (renewed === undefined) return false;
    this.#current = { ...this.#current, tls: renewed };
    return true;
  }

  #listed(manifest: Manifest): Partial<CurrentKeys> {
    const { config, keys, clock } = this.#options;
    const member = memberByCode(manifest, config.code);
    return member === undefined ? {} : currentKeys(config, keys, member, clock.nowMs());
  }

  #entries(keys: KeySet): Readonly<Record<KeyUse, OwnKey>> {
    const { config } = this.#options;
    const of = (use: 'sign' | 'encrypt' | 'ledger' | 'witness', id: string): OwnKey => ({
      kid: keys[use].kid,
      entry: { use: NAMES[use], public_key_sha256: sha256(keys[use].publicKey), key_id: id },
    });
    const noteId = (key: SignatureKey, keyOf: typeof ledgerKeyOf | typeof witnessKeyOf): string =>
      bytesToHex(keyOf(config, key).id);
    return {
      tls: {
        kid: keys.tls.kid,
        entry: { use: 'TLS', public_key_sha256: parseBase64url(keys.tls.kid), key_id: keys.tls.kid },
      },
      sign: of('sign', keys.sign.kid),
      encrypt: of('encrypt', keys.encrypt.kid),
      ledger: of('ledger', noteId(keys.ledger, ledgerKeyOf)),
      witness: of('witness', noteId(keys.witness, witnessKeyOf)),
    };
  }
}

/** When two thirds of a certificate's life are over; Unix milliseconds. */
function renewalDueAt(certificate: X509Certificate): number {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  return from + ((to - from) * 2) / 3;
}

const NAMES = { tls: 'TLS', sign: 'SIGN', encrypt: 'ENCRYPT', ledger: 'LEDGER', witness: 'WITNESS' } as const;

function required<T>(key: T | undefined): T {
  if (key === undefined) throw new TypeError(`the manifest does not list a key for each of ${KEY_USES.join(', ')}`);
  return key;
}
