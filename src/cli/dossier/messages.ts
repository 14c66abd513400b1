/** Holds what a dossier says of messages against the entries of both sides that its bundles show. */
import { bytesToBase64url, equalBytes, parseBase64 } from '../../base/mod.ts';
import { leafHash } from '../../ledger/mod.ts';
import type { LedgerEntry } from '../../wire/mod.ts';
import type { FoundEntry } from '../../audit/mod.ts';
import type { DossierMessage } from './data.ts';

type Wrong = (message: string) => void;

/**
 * @param code of the node that made the dossier
 * @param found entries about this message
 */
export function checkMessage(
  { record, proof }: DossierMessage,
  code: string,
  found: readonly FoundEntry[],
  wrong: Wrong,
): void {
  const { direction, peer, status, sent, answer, held } = record;
  const [sender, recipient] = direction === 'OUT' ? [code, peer] : [peer, code];
  const isRefused = status === 'REFUSED' || status === 'QUARANTINED';
  const answers = status === 'VOIDED' ? ['RECEIVED', 'REFUSED'] : [isRefused ? 'REFUSED' : 'RECEIVED'];
  // Of a message that this node lost, the entry that came back has the proof; that of the peer's is not in the bundle.
  const isSentShown = direction === 'OUT' || record.recovered !== true;
  const said = [
    ...(isSentShown ? [{ ref: sent, ledger: sender, kinds: ['SENT', 'VOIDED'] }] : []),
    { ref: answer, ledger: recipient, kinds: answers },
    { ref: held, ledger: sender, kinds: ['RECEIPT_HELD'] },
  ];
  for (const { ref, ledger, kinds } of said) {
    if (ref === undefined) continue;
    const isThere = found.some(
      ({ ledger: of, index, entry }) =>
        of === ledger && index === ref.index && entry.time === ref.time && kinds.includes(kindOf(entry)) && isOf(entry),
    );
    if (!isThere) wrong(`no ledger here has entry ${ref.index} of ${ledger} as it is said to be`);
  }
  if (proof === undefined || !isSentShown) return;
  const leaf = leafOf(proof.entry);
  const isProved = found.some(
    ({ ledger, index, entry, leaf: proved }) =>
      ledger === peer &&
      index === proof.index &&
      kindOf(entry) === proof.kind &&
      leaf !== undefined &&
      proved !== undefined &&
      equalBytes(proved, leaf),
  );
  if (!isProved || !proof.verified) wrong(`no bundle here has the proof of entry ${proof.index} of ${peer}`);

  function isOf({ seq, sealed_digest: sealed, signed_digest: signed }: LedgerEntry): boolean {
    return (
      seq === record.seq &&
      bytesToBase64url(sealed ?? new Uint8Array()) === record.sealed_digest &&
      bytesToBase64url(signed ?? new Uint8Array()) === record.signed_digest
    );
  }
}

/** What an entry says of its message, be it as what was lost and came back. */
function kindOf({ kind, detail }: LedgerEntry): string {
  return detail?.type === 'recovered' ? detail.value.kind : kind;
}

function leafOf(base64: string): Uint8Array | undefined {
  try {
    return leafHash(parseBase64(base64));
  } catch {
    return undefined;
  }
}
