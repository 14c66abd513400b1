/** Messages that were disclosed with a bundle: each must open exactly the commitment of an entry, and be recorded as disclosed. */
import { equalBytes, isoTime, jwkToBytes, verifyEd25519, type JurisdictionCode } from '../base/mod.ts';
import { MAX_JWS_CHARS, readSigned } from '../sealing/mod.ts';
import { memberByCode, signKeyAt, type Member } from '../trust/mod.ts';
import { WireError, parseMessage, toJson, type LedgerEntry, type Message } from '../wire/mod.ts';
import type { BundleFiles } from './bundle-files.ts';
import { disclosedIdOf, disclosedPath } from './bundle-layout.ts';
import type { PlacedEntry } from './entries.ts';
import type { Findings } from './error.ts';
import type { BundleManifests } from './manifests.ts';

/** A message that a bundle discloses, verified. */
export interface DisclosedMessage {
  readonly message_id: string;
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly issued_at: string;
  /** Index of the SENT, RECEIVED or REFUSED entry that commits to it, or of the RECOVERED one that stands for it. */
  readonly entry: number;
  /** The message as JSON. */
  readonly content: Readonly<Record<string, unknown>>;
}

interface Commitments {
  message?: PlacedEntry;
  readonly disclosures: LedgerEntry[];
}

/** Gathers what a ledger says of the disclosed messages, then opens them. */
export class DisclosureReader {
  readonly #files: BundleFiles;
  readonly #manifests: BundleManifests;
  readonly #where: string;
  readonly #findings: Findings;
  readonly #commitments: ReadonlyMap<string, Commitments>;

  constructor(files: BundleFiles, manifests: BundleManifests, where: string, findings: Findings) {
    this.#files = files;
    this.#manifests = manifests;
    this.#where = where;
    this.#findings = findings;
    this.#commitments = new Map([...disclosedIds(files)].map((id) => [id, { disclosures: [] }]));
  }

  read(placed: PlacedEntry): void {
    const { entry } = placed;
    const known = entry.message_id === undefined ? undefined : this.#commitments.get(entry.message_id);
    if (known === undefined) return;
    if (entry.kind === 'DISCLOSED') known.disclosures.push(entry);
    else if (['SENT', 'RECEIVED', 'REFUSED'].includes(kindOf(entry))) known.message ??= placed;
  }

  async end(): Promise<DisclosedMessage[]> {
    const opened: DisclosedMessage[] = [];
    for (const [id, commitments] of this.#commitments) {
      const where = `${this.#where}: ${disclosedPath(id)}`;
      const jws = await this.#files.readText(disclosedPath(id));
      const answer = this.#open(jws, id, commitments);
      if (typeof answer === 'string') this.#findings.add('DISCLOSURE_INVALID', where, answer);
      else {
        opened.push(answer.message);
        const isRecorded = commitments.disclosures.some(({ signed_digest: digest }) =>
          equalBytes(digest!, answer.digest),
        );
        if (!isRecorded)
          this.#findings.add('DISCLOSURE_NOT_RECORDED', where, 'the ledger does not record that it was disclosed');
      }
    }
    return opened;
  }

  /** The message and its digest, or what is wrong with it. */
  #open(
    jws: string,
    id: string,
    { message: placed }: Commitments,
  ): { readonly message: DisclosedMessage; readonly digest: Uint8Array } | string {
    if (placed === undefined) return 'the bundle has no entry about this message';
    const signed = jws.length <= MAX_JWS_CHARS ? readSigned(jws) : undefined;
    if (signed === undefined) return 'it is not a signed message';
    const { entry, index } = placed;
    if (!equalBytes(signed.digest, entry.signed_digest!)) return `it is not the message that entry ${index} commits to`;
    const [from, to] =
      kindOf(entry) === 'SENT' ? [this.#files.index.code, entry.peer] : [entry.peer, this.#files.index.code];
    const member = this.#signerOf(from as JurisdictionCode, signed.kid);
    const key = member?.sign.find(({ kid }) => kid === signed.kid);
    if (member === undefined || key === undefined) return `no manifest lists its signing key for ${from}`;
    if (!verifyEd25519(signed.signature, signed.input, jwkToBytes(key.jwk))) return 'its signature does not verify';
    const message = parse(signed.payload);
    if (message === undefined) return 'its payload is not a message';
    const { header, body } = message;
    if (header.message_id !== id || header.from !== from || header.to !== to || header.seq !== entry.seq)
      return `its header is about another message than entry ${index}`;
    const valid = signKeyAt(member, signed.kid, header.issued_at);
    if (!valid.ok) return `its signing key was not to be used when it was signed: ${valid.reason}`;
    const content = toJson('Message', { header: { ...header, padding: undefined }, body });
    const stated = { message_id: id, from: header.from, to: header.to, type: body.type };
    return {
      message: { ...stated, issued_at: isoTime(header.issued_at), entry: index, content },
      digest: signed.digest,
    };
  }

  /** The member as the newest manifest lists it that has the key. */
  #signerOf(code: JurisdictionCode, kid: string): Member | undefined {
    return this.#manifests.all
      .map(({ manifest }) => memberByCode(manifest, code))
      .findLast((member) => member?.sign.some((key) => key.kid === kid) === true);
  }
}

/** Ids of the messages that a bundle discloses. */
export function disclosedIds(files: BundleFiles): ReadonlySet<string> {
  return new Set(files.paths.map(disclosedIdOf).filter((id) => id !== undefined));
}

/** What an entry says of its message, be it as what was lost and came back. */
function kindOf({ kind, detail }: LedgerEntry): string {
  return detail?.type === 'recovered' ? detail.value.kind : kind;
}

function parse(payload: Uint8Array): Message | undefined {
  try {
    return parseMessage(payload);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
