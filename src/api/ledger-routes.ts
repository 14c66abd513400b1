/** The ledger: proofs, heads of peers, and bundles for auditors. */
import { bytesToBase64, parseJurisdictionCode } from '../base/mod.ts';
import { ApiError } from '../client/mod.ts';
import { bundleOf, type Node } from '../node/mod.ts';
import { TrustError } from '../trust/mod.ts';

/**
 * The largest head of a peer's ledger that this node has seen: what the peer needs after it lost its own record.
 * @returns nothing of a member whose ledger was never seen
 * @throws {TrustError} TRUST_UNKNOWN_MEMBER
 */
export async function seenHead({ exchange, config }: Node, code: string): Promise<{ readonly checkpoint?: string }> {
  const seen = await exchange.seenCheckpoint(parseJurisdictionCode(code));
  if (seen !== undefined) return { checkpoint: seen.note };
  const others = exchange.manifest.members.map((member) => member.code).filter((other) => other !== config.code);
  if (others.some((other) => other === code)) return {};
  const known = others.length === 0 ? 'it has none' : `its others are ${others.join(', ')}`;
  throw new TrustError('TRUST_UNKNOWN_MEMBER', `${code} is not another member of the federation; ${known}.`);
}

export async function ledgerProof(
  { storage }: Node,
  index: number,
): Promise<{ readonly entry: string; readonly proof: string }> {
  const { entry, proof } = await storage.ledger.receipt(index);
  return { entry: bytesToBase64(entry), proof };
}

export async function ledgerConsistency({ storage }: Node, oldSize: number): Promise<{ readonly proof: string }> {
  return { proof: await storage.ledger.consistencyProof(oldSize) };
}

/** A bundle, or the part of one that is asked for, with the messages that are to be disclosed. */
export async function auditBundle(node: Node, body: unknown): Promise<AsyncIterable<Uint8Array>> {
  const { from, to, peer, case: caseId, disclose = [] } = body as Readonly<Record<string, unknown>>;
  const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';
  if (!isText(from) || !isText(to) || !isText(peer) || !isText(caseId))
    throw new ApiError('API_BAD_REQUEST', 'from, to, peer and case are text.');
  if (!Array.isArray(disclose) || !disclose.every((id): id is string => typeof id === 'string'))
    throw new ApiError('API_BAD_REQUEST', '“disclose” is a list of message ids.');
  const request = { from, to, peer, case: caseId, disclose };
  return bundleOf(node.config.code, node.storage, request, {
    disclose: (ids) => node.exchange.protection.disclose(ids),
  });
}
