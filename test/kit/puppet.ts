/** A peer that does whatever a test wants: it holds a member's real keys and speaks the protocol by hand. */
import { randomBytes, sign, createPublicKey } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import { WebSocket } from 'ws';
import {
  newUuid,
  parseBase64url,
  utf8ToBytes,
  type JurisdictionCode,
  type Suite,
  type Uuid,
} from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import {
  KEY_TYPES,
  MerkleTiles,
  encodeInclusionProofText,
  epochKeys,
  leafHash,
  signCheckpoint,
  verifierKey,
  type Checkpoint,
} from '../../src/ledger/mod.ts';
import { readPrivateKeys } from './keys.ts';
import { sealMessage, sealedDigest, signMessage, signedDigest } from '../../src/sealing/mod.ts';
import {
  clientTlsOptions,
  publicJwk,
  rawPublicKey,
  verifyManifest,
  type NodeKeys,
  type TlsKey,
  type VerifiedManifest,
} from '../../src/trust/mod.ts';
import {
  encodeFrame,
  encodeLedgerEntry,
  encodeMessage,
  parseFrame,
  type Body,
  type Deliver,
  type Frame,
  type Hello,
  type LedgerEntry,
  type MessageHeader,
  type Receipt,
} from '../../src/wire/mod.ts';
import { expectBlame } from './blame.ts';
import { requestDraft } from './drafts.ts';
import type { TestFederation } from './federation.ts';

/** What may be otherwise than it should be in a delivery. */
export interface DeliverySpoils {
  readonly header?: Partial<MessageHeader>;
  readonly body?: Body;
  readonly envelope?: Partial<Deliver>;
  readonly entry?: Partial<LedgerEntry>;
  readonly jws?: (jws: string) => string;
  readonly sealedTo?: { readonly from?: JurisdictionCode; readonly to?: JurisdictionCode; readonly suite?: Suite };
  /** What becomes of the sealed text before the ledger commits to it. */
  readonly sealed?: (sealed: string) => string;
  readonly signWith?: { readonly kid: string };
}

/** How a connection ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** One connection of a puppet. */
export interface PuppetSession {
  send(frame: Frame | Uint8Array | string): void;
  /** The next frame, in order of arrival. */
  next(): Promise<Frame>;
  readonly ended: Promise<Ending>;
  /** From now on nothing that arrives is read. */
  pause(): void;
  /** Ends the connection: with a close code and a text beside it, or as a process that died. */
  close(code?: number, text?: string): void;
}

/** A member under a test's control. */
export class Puppet {
  readonly code: JurisdictionCode;
  readonly keys: NodeKeys;
  manifest: VerifiedManifest;
  #tree = emptyTree();
  #entries: Uint8Array[] = [];
  seq = 0;
  /** Epoch of its ledger under whose origin it signs. */
  epoch = 1;

  private constructor(code: JurisdictionCode, keys: NodeKeys, manifest: VerifiedManifest) {
    this.code = code;
    this.keys = keys;
    this.manifest = manifest;
  }

  static async of(federation: TestFederation, code: string): Promise<Puppet> {
    expectBlame(code as JurisdictionCode);
    const keys = readPrivateKeys(nodePaths(federation.dirOf(code)).keys);
    const manifest = verifyManifest(federation.manifest, { selfSigned: true });
    if (!manifest.ok) throw new Error(manifest.detail);
    return new Puppet(code as JurisdictionCode, keys, manifest.value);
  }

  /** What it presents to peers. */
  get tlsKey(): Pick<TlsKey, 'privateKey' | 'certificate'> {
    return { privateKey: this.keys.tls, certificate: this.keys.certificates.tls };
  }

  get #member() {
    return this.manifest.manifest.members.find(({ code }) => code === this.code)!;
  }

  /** Another that has come as far, and goes its own way from here. */
  copy(): Puppet {
    const copy = new Puppet(this.code, this.keys, this.manifest);
    [copy.seq, copy.epoch] = [this.seq, this.epoch];
    copy.keep(this.#entries);
    return copy;
  }

  /** Has these entries from now on, and no others. */
  keep(entries: readonly Uint8Array[]): void {
    this.#entries = [...entries];
    this.#tree = emptyTree();
    this.#tree.append(entries.map(leafHash));
  }

  get entries(): readonly Uint8Array[] {
    return this.#entries;
  }

  /**
   * Goes on as after a loss: with so many of its entries, in the next epoch.
   * @param said what the entry says otherwise than is true
   * @returns index of the entry that begins the epoch
   */
  async lose(kept: number, said: { readonly number?: number; readonly kept?: string } = {}): Promise<number> {
    const { note } = await this.checkpoint(kept);
    this.keep(this.#entries.slice(0, kept));
    this.epoch = said.number ?? this.epoch + 1;
    const value = { number: this.epoch, kept: said.kept ?? note };
    return this.append({ kind: 'EPOCH', seq: 0, detail: { type: 'epoch', value } });
  }

  /** Appends an entry to the puppet's own ledger. */
  append(entry: Omit<LedgerEntry, 'version' | 'time'>): number {
    const bytes = encodeLedgerEntry({ version: 1, time: Date.now(), ...entry });
    this.#tree.append([leafHash(bytes)]);
    return this.#entries.push(bytes) - 1;
  }

  /** Appends that its manifest is in force, as every ledger begins. */
  recordManifest(): void {
    const { manifest, digest } = this.manifest;
    const value = { version: manifest.version, digest };
    this.append({ kind: 'MANIFEST', seq: 0, detail: { type: 'manifest', value } });
  }

  async checkpoint(size = this.#tree.size): Promise<Checkpoint> {
    const first = verifierKey(this.#member.ledger.origin, KEY_TYPES.ed25519, rawPublicKey(this.keys.ledger));
    const [key] = epochKeys([first], this.epoch);
    return signCheckpoint({ size, root: await this.#tree.rootAt(size) }, key!, (message) =>
      sign(null, message, this.keys.ledger),
    );
  }

  /** An entry with its proof in the tree of `size`. */
  async receipt(index: number, size = this.#tree.size): Promise<Receipt> {
    const { note } = await this.checkpoint(size);
    return {
      entry: this.#entries[index]!,
      proof: encodeInclusionProofText(index, await this.#tree.inclusionPath(index, size), note),
    };
  }

  /** Speaks under another manifest from now on. */
  adopt(text: string): void {
    const verified = verifyManifest(text, { selfSigned: true });
    if (!verified.ok) throw new Error(verified.detail);
    this.manifest = verified.value;
  }

  async hello(spoils: Partial<Hello> = {}): Promise<Frame> {
    return {
      type: 'hello',
      value: {
        protocol: 1,
        code: this.code,
        schema_version: 1,
        manifest_version: this.manifest.manifest.version,
        manifest_digest: this.manifest.digest,
        checkpoint: (await this.checkpoint()).note,
        clock: Date.now(),
        limits: { max_message_bytes: 524_288, max_evidence_bytes: 0, credit: 16 },
        ...spoils,
      },
    };
  }

  /** Asks for a cosignature of the tree of `size`, as a continuation of that of `old`. */
  async offer(old: number, size: number): Promise<Extract<Frame, { type: 'witness_offer' }>> {
    const { note } = await this.checkpoint(size);
    const proof = old > size ? [] : await this.#tree.consistencyPath(old, size);
    return { type: 'witness_offer', value: { checkpoint: note, old_size: old, proof } };
  }

  /** The next delivery to a peer, right but for its spoils. */
  async delivery(to: string, spoils: DeliverySpoils = {}): Promise<Extract<Frame, { type: 'deliver' }>> {
    const target = this.manifest.manifest.members.find(({ code }) => code === to)!;
    const recipient = {
      kid: target.encrypt[0]!.kid,
      publicKey: createPublicKey({ key: { ...target.encrypt[0]!.jwk }, format: 'jwk' }),
      kem: parseBase64url(target.encrypt[0]!.mlkem768!),
    };
    const seq = ++this.seq;
    const header: MessageHeader = {
      message_id: newUuid(Date.now(), randomBytes(10)),
      case_id: newUuid(Date.now(), randomBytes(10)),
      from: this.code,
      to: to as JurisdictionCode,
      seq,
      recipient_kid: recipient.kid,
      issued_at: Date.now(),
      expires_at: 0,
      manifest_version: 1,
      schema_version: 1,
      ...spoils.header,
    };
    const payload = encodeMessage({ header, body: spoils.body ?? requestDraft().body });
    const kid = spoils.signWith?.kid ?? publicJwk(this.keys.sign).kid;
    const jws = (spoils.jws ?? ((text) => text))(
      signMessage(payload, { kid, sign: (message) => sign(null, message, this.keys.sign) }).jws,
    );
    const parties = { from: this.code, to: to as JurisdictionCode, ...spoils.sealedTo };
    const made = sealMessage(jws, { key: recipient, ...parties });
    const sealed = spoils.sealed?.(made.sealed) ?? made.sealed;
    const digest = sealedDigest(sealed);
    const envelope = { message_id: header.message_id as string, seq };
    const index = this.append({
      kind: 'SENT',
      peer: to,
      ...envelope,
      sealed_digest: digest.ok ? digest.value : new Uint8Array(32),
      signed_digest: digestOf(jws),
      ...spoils.entry,
    });
    return {
      type: 'deliver',
      value: { from: this.code, to, ...envelope, sealed, sent: await this.receipt(index), ...spoils.envelope },
    };
  }

  /** Connects to a member. */
  connect(
    to: string,
    options: ConnectionOptions & { readonly path?: string; readonly protocol?: string } = {},
  ): Promise<PuppetSession> {
    const { path = '/federation', protocol = 'mla.v1', ...tls } = options;
    const endpoint = this.manifest.manifest.members
      .find(({ code }) => code === to)!
      .endpoint.replace('/federation', path);
    const own = clientTlsOptions(
      this.tlsKey,
      () => this.manifest.manifest,
      to as JurisdictionCode,
      () => Date.now(),
    );
    return openSession(new WebSocket(endpoint, protocol, { ...own, ...tls, perMessageDeflate: false }));
  }

  /** Connects and exchanges Hellos. */
  async converse(to: string, spoils: Partial<Hello> = {}): Promise<PuppetSession> {
    const session = await this.connect(to);
    session.send(await this.hello(spoils));
    const hello = await session.next();
    if (hello.type !== 'hello') throw new Error(`a ${hello.type} came first`);
    return session;
  }
}

function emptyTree(): MerkleTiles {
  return new MerkleTiles(() => Promise.reject(new Error('no full tile')));
}

/** A message id that nobody else uses. */
export function freshId(): Uuid {
  return newUuid(Date.now(), randomBytes(10));
}

function digestOf(jws: string): Uint8Array {
  try {
    return signedDigest(jws);
  } catch {
    return new Uint8Array(32);
  }
}

function openSession(socket: WebSocket): Promise<PuppetSession> {
  const arrived: Frame[] = [];
  const waiting: ((frame: Frame) => void)[] = [];
  socket.on('message', (data: Buffer) => {
    const frame = parseFrame(data);
    const first = waiting.shift();
    if (first === undefined) arrived.push(frame);
    else first(frame);
  });
  const ended = new Promise<Ending>((resolve) => {
    socket.on('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
    });
  });
  const session: PuppetSession = {
    ended,
    send: (frame) => {
      if (typeof frame === 'string') socket.send(frame);
      else socket.send(frame instanceof Uint8Array ? frame : encodeFrame(frame), { binary: true });
    },
    next: async () => {
      const frame = arrived.shift();
      if (frame !== undefined) return frame;
      const timeout = new Promise<never>((_, reject) => {
        setTimeout(() => {
          reject(new Error('no frame came'));
        }, 60_000).unref();
      });
      const closed = ended.then(({ code, reason }): never => {
        throw new Error(`closed with ${code} ${reason}`);
      });
      return Promise.race([new Promise<Frame>((resolve) => waiting.push(resolve)), timeout, closed]);
    },
    pause: () => {
      socket.pause();
    },
    close: (code, text) => {
      if (code === undefined) socket.terminate();
      else socket.close(code, text);
    },
  };
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      resolve(session);
    });
    socket.once('error', reject);
  });
}

/** Bytes of a text, for frames that are none. */
export const bytesOf = utf8ToBytes;
