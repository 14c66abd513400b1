/** What a dossier says: the evidence of a case as one node knows it, and the messages about it with both sides' receipts. */
import { bytesToHex, sha256 } from '../../base/mod.ts';
import { Archive, bytesAccess } from '../../audit/mod.ts';
import type { EvidenceList } from '../../api/mod.ts';
import type { ApiClient } from '../../client/mod.ts';
import { EvidenceError } from '../../evidence/mod.ts';
import type { EvidenceAnswer, ItemAnswer, MessageDetail, MessageRecord } from '../../exchange/mod.ts';

/** `dossier.json`. */
export interface Dossier {
  readonly format: 'rogatory-dossier/v1';
  /** The node that made it, and the head of its ledger that `bundle.zip` is about. */
  readonly code: string;
  readonly checkpoint: string;
  readonly bundle_sha256: string;
  readonly case_id: string;
  readonly exhibits: readonly ItemAnswer[];
  readonly files: readonly DossierFile[];
  readonly messages: readonly DossierMessage[];
}

/** A file without what changes while nothing happens to it. */
export type DossierFile = Omit<EvidenceAnswer, 'progress' | 'offers'> & {
  readonly offers: readonly Omit<EvidenceAnswer['offers'][number], 'progress'>[];
};

/** A message about evidence: where both ledgers have it, what it says, and the peer's proof. */
export interface DossierMessage {
  readonly record: MessageRecord;
  readonly content: unknown;
  readonly proof: MessageDetail['proof'];
}

// Exhibits move in these; what else is in a case is no business of a dossier.
const ABOUT_EVIDENCE = new Set([
  'evidence_transfer',
  'evidence_receipt',
  'return_of_originals',
  'return_waiver',
  'jit_contribution',
]);

/**
 * Asks a node for everything that a dossier holds.
 * @throws {EvidenceError} EVIDENCE_UNKNOWN for a case without exhibits {RemoteError} EXCHANGE_WITHHELD where it must not be put before a court
 */
export async function gatherDossier(
  api: ApiClient,
  caseId: string,
): Promise<{ readonly dossier: Dossier; readonly bundle: Uint8Array }> {
  const bundle = await readBundle(api, caseId);
  const { files, items } = await api.get<EvidenceList>(`evidence?case=${encodeURIComponent(caseId)}&for=COURT`);
  if (items.length === 0) throw new EvidenceError('EVIDENCE_UNKNOWN', `Case ${caseId} has no exhibits at this node.`);
  const all = await api.get<MessageRecord[]>(`messages?case=${encodeURIComponent(caseId)}&limit=1000000`);
  const about = all.filter(({ type }) => type !== undefined && ABOUT_EVIDENCE.has(type)).reverse();
  const messages: DossierMessage[] = [];
  for (const { message_id: id } of about) {
    const { record, content, proof } = await api.get<MessageDetail>(`messages/${id}`);
    messages.push({ record, content, proof });
  }
  const archive = await Archive.open(bytesAccess(bundle));
  const { code } = JSON.parse(await textOf(archive, 'bundle.json')) as { readonly code: string };
  const dossier: Dossier = {
    format: 'rogatory-dossier/v1',
    code,
    checkpoint: await textOf(archive, 'checkpoint'),
    bundle_sha256: bytesToHex(sha256(bundle)),
    case_id: caseId,
    exhibits: items,
    files: files.map(({ progress: _moving, offers, ...file }) => ({
      ...file,
      offers: offers.map(({ progress: _offered, ...offer }) => offer),
    })),
    messages,
  };
  return { dossier: JSON.parse(JSON.stringify(dossier)) as Dossier, bundle };
}

async function readBundle(api: ApiClient, caseId: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await api.download('bundle', { case: caseId })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function textOf(archive: Archive, path: string): Promise<string> {
  return Buffer.from((await archive.read(path))!.bytes).toString('utf8');
}
